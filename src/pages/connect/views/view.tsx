import { Avatar } from "../../shared/avatar.tsx"
import { Button, Heading, Spinner } from "../../shared/parts.tsx"
import { isOffline, type Screen, type State } from "../flow.ts"
import { Form } from "./form.tsx"
import { List } from "./list.tsx"
import { nameOf } from "./names.ts"
import { Notice, type ViewProps } from "./notice.tsx"

type Of<A extends Screen["at"]> = Omit<ViewProps, "state"> & { screen: Extract<Screen, { at: A }>; state: State }

export function View(props: ViewProps) {
  const { state, flow, say } = props
  const { screen } = state
  if (screen.at === "list") return <List {...props} />
  if (screen.at === "form") {
    const isAgain = state.session?.isReconnecting === true
    return <Form key={screen.target.integration.unique_key} {...props} screen={screen} isAgain={isAgain} />
  }
  if (screen.at === "busy") return <Busy {...props} screen={screen} />
  if (screen.at === "done") return <Done {...props} screen={screen} />
  if (screen.at === "missing") {
    return <Notice icon="link" title={say("missingTitle")} lead={say("missingLead")} />
  }
  if (screen.at === "expired") {
    return (
      <Notice icon="clock" title={say("expiredTitle")} lead={say("expiredLead")}>
        {props.isFramed && (
          <Button look="plain" onClick={() => flow.close()}>
            {say("close")}
          </Button>
        )}
      </Notice>
    )
  }
  if (screen.at === "failed") {
    const reason = isOffline(screen.error) ? say("offline") : screen.error.message
    return (
      <Notice icon="alert" tone="bad" title={say("failedTitle")} lead={reason || say("failedLead")}>
        <Button look="primary" onClick={() => flow.reload()}>
          {say("retry")}
        </Button>
      </Notice>
    )
  }
  return (
    <div class="m-auto py-20 text-accent">
      <Spinner class="size-8" />
    </div>
  )
}

function Busy({ screen, flow, say }: Of<"busy">) {
  const { target, inWindow } = screen
  const name = nameOf(target)
  return (
    <div class="my-auto flex flex-col items-center gap-3 py-6 text-center">
      <span class="relative mb-1 flex size-24 items-center justify-center text-accent">
        <Spinner class="absolute size-24" width="1.2" />
        <Avatar name={name} class="size-11 text-base" />
      </span>
      <Heading>{say(inWindow ? "busyWindow" : "busyCheck", { name })}</Heading>
      <p class="max-w-80 text-[15px] text-pretty text-muted">{say(inWindow ? "busyWindowLead" : "busyCheckLead")}</p>
      {inWindow && (
        <div class="mt-4 w-full">
          <Button look="plain" onClick={() => flow.cancel()}>
            {say("cancel")}
          </Button>
        </div>
      )}
    </div>
  )
}

function Done({ screen, state, flow, isFramed, say }: Of<"done">) {
  const name = nameOf(screen.target)
  const lead = say(isFramed ? "doneLead" : "doneLeadLink")
  const finish = isFramed && (
    <Button look="primary" onClick={() => flow.close()}>
      {say("finish")}
    </Button>
  )
  if (screen.connected.isPending) {
    return (
      <Notice icon="clock" title={say("pendingTitle", { name })} lead={say("pendingLead")}>
        {finish}
      </Notice>
    )
  }
  const title = say(state.session?.isReconnecting ? "doneTitleAgain" : "doneTitle", { name })
  return (
    <Notice icon="check" tone="good" title={title} lead={lead}>
      {finish}
    </Notice>
  )
}
