import type { ComponentChildren } from "preact"
import { Heading, Icon, type IconName } from "../../shared/parts.tsx"
import type { Flow, State } from "../flow.ts"
import type { Say } from "../texts.ts"

/** What every view gets. */
export type ViewProps = { state: State; flow: Flow; isFramed: boolean; say: Say }

const tones = { plain: "bg-soft text-muted", bad: "bg-danger-soft text-danger", good: "bg-good-soft text-good" }

type NoticeProps = {
  icon: IconName
  tone?: keyof typeof tones
  title: string
  lead: string
  children?: ComponentChildren
}
/** One thing said in the middle of the card. */
export function Notice({ icon, tone = "plain", title, lead, children }: NoticeProps) {
  return (
    <div class="my-auto flex flex-col items-center gap-3 py-6 text-center">
      <span class={`mb-1 flex size-14 items-center justify-center rounded-full ${tones[tone]}`}>
        <Icon name={icon} class={`size-7 ${icon === "check" ? "tick" : ""}`} />
      </span>
      <Heading>{title}</Heading>
      <p class="max-w-80 text-[15px] text-pretty break-words text-muted">{lead}</p>
      {children && <div class="mt-4 w-full">{children}</div>}
    </div>
  )
}
