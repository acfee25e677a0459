import { useEffect, useRef, useState } from "preact/hooks"
import { Avatar } from "../../shared/avatar.tsx"
import { Button, Heading, Icon, OutLink } from "../../shared/parts.tsx"
import { visibleFields } from "../fields.ts"
import { isOffline, type Screen, type Target } from "../flow.ts"
import type { ConnectError } from "../model.ts"
import { opensWindow } from "../submit.ts"
import type { Say, TextKey } from "../texts.ts"
import { problemOf, tidy } from "../typed.ts"
import { ExternalId } from "./external-id.tsx"
import { FieldRow } from "./field.tsx"
import { nameOf } from "./names.ts"
import type { ViewProps } from "./view.tsx"

type FormProps = ViewProps & { screen: Extract<Screen, { at: "form" }>; isAgain: boolean }
type Problems = Record<string, string>

export function Form({ screen, state, flow, isAgain, say }: FormProps) {
  const { target, refusal } = screen
  const { integration, provider, plan } = target
  const [values, setValues] = useState(target.values)
  const [problems, setProblems] = useState<Problems>(() => refusedFields(target, refusal))
  const form = useRef<HTMLFormElement>(null)
  const fields = visibleFields(plan, values)
  const name = nameOf(target)
  const ownGuide = state.session?.overrides?.[integration.unique_key]?.docs_connect
  const guide = ownGuide ?? provider.docs_connect

  const keep = (id: string, value: string) => {
    // The target outlives the form, so that nothing has to be typed twice after a refusal.
    target.values = { ...target.values, [id]: value }
    setValues(target.values)
  }
  const check = (): Problems =>
    Object.fromEntries(
      fields.flatMap((field) => {
        const key = problemOf(field, tidy(field, values[field.id] ?? ""))
        return key ? [[field.id, sentence(say, key, field)]] : []
      }),
    )
  const submit = (event: Event) => {
    event.preventDefault()
    for (const field of fields) keep(field.id, tidyShown(field, values[field.id] ?? ""))
    const found = check()
    setProblems(found)
    const wrong = fields.find(({ id }) => found[id])
    if (wrong) form.current?.querySelector<HTMLElement>(`#${CSS.escape(wrong.id)}`)?.focus()
    else void flow.submit(target)
  }
  const leave = (id: string) => {
    const field = fields.find((one) => one.id === id)
    const value = values[id] ?? ""
    if (!field || value === "") return
    keep(id, tidyShown(field, value))
    const key = problemOf(field, tidy(field, value))
    setProblems({ ...problems, [id]: key ? sentence(say, key, field) : "" })
  }
  return (
    <form ref={form} noValidate autocomplete="off" onSubmit={submit} class="flex grow flex-col">
      <div class="flex flex-col gap-1">
        <Avatar name={name} class="mb-3 size-12 text-base" />
        <Heading>{say(isAgain ? "titleAgain" : "title", { name })}</Heading>
        <p class="text-[15px] text-pretty text-muted">{say(leadOf(target), { name })}</p>
        {guide && (
          <OutLink href={guide} label={`${say("guide")} (${say("newWindow")})`} class="mt-1 self-start text-sm">
            {say("guide")}
          </OutLink>
        )}
      </div>
      {refusal && <Refusal refusal={refusal} name={name} say={say} />}
      <div class="mt-5 mb-3 flex flex-col gap-5">
        {target.externalId && <ExternalId value={target.externalId} say={say} />}
        {fields.map((field) => (
          <FieldRow
            key={field.id}
            field={field}
            value={values[field.id] ?? ""}
            problem={problems[field.id] || undefined}
            docs={ownGuide ? undefined : provider.docs_connect}
            say={say}
            onInput={(value) => {
              keep(field.id, value)
              if (problems[field.id]) setProblems({ ...problems, [field.id]: "" })
            }}
            onLeave={() => leave(field.id)}
          />
        ))}
      </div>
      <div class="sticky bottom-0 -mx-5 mt-auto flex before:pointer-events-none before:absolute before:inset-x-0 before:-top-4 before:h-4 before:bg-linear-to-t before:from-ground before:to-transparent flex-col gap-3 bg-ground px-5 pt-3 pb-5 sm:-mx-7 sm:px-7">
        <Button look="primary" type="submit">
          {say(refusal && fields.length === 0 ? "retry" : isAgain ? "submitAgain" : "submit")}
          {opensWindow(provider) && <Icon name="out" class="size-4.5" />}
        </Button>
        {fields.some(({ group }) => group !== "config") && (
          <p class="flex items-center justify-center gap-1.5 text-center text-xs text-muted">
            <Icon name="lock" class="size-3.5 shrink-0" />
            {say("encrypted")}
          </p>
        )}
      </div>
    </form>
  )
}

/** Keys and certificates stay as they were pasted; what is sent is trimmed anyway. */
const tidyShown = (field: Parameters<typeof tidy>[0], value: string) => (field.isLong ? value : tidy(field, value))

function leadOf({ provider, plan }: Target): TextKey {
  if (plan.fields.length > 0) return "leadForm"
  return opensWindow(provider) ? "leadWindow" : "leadClick"
}

function sentence(say: Say, key: TextKey, { example }: { example?: unknown }): string {
  const hint = key !== "badPattern" || example === undefined || example === ""
  return hint ? say(key) : `${say(key)} ${say("exampleIs", { example: String(example) })}`
}

/** Refused values that the server names are shown at their fields. */
function refusedFields({ plan }: Target, refusal: ConnectError | undefined): Problems {
  const found = (refusal?.issues ?? []).flatMap(({ message, path }) => {
    const field = plan.fields.find(({ name }) => name === path[path.length - 1])
    return field ? [[field.id, message] as const] : []
  })
  return Object.fromEntries(found)
}

/** The provider's own words, because they say what to do; the page's where the browser was the reason. */
function Refusal({ refusal, name, say }: { refusal: ConnectError; name: string; say: Say }) {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => ref.current?.focus(), [refusal])
  return (
    <div
      ref={ref}
      role="alert"
      tabIndex={-1}
      class="mt-5 flex gap-2.5 rounded-lg border border-danger-line bg-danger-soft px-3.5 py-3 text-sm"
    >
      <Icon name="alert" class="mt-px size-5 shrink-0 text-danger" />
      <div class="min-w-0">
        <p class="font-semibold text-danger">{say("refusedTitle", { name })}</p>
        <p class="mt-0.5 break-words whitespace-pre-line text-ink">{reasonOf(refusal, name, say)}</p>
      </div>
    </div>
  )
}

function reasonOf(refusal: ConnectError, name: string, say: Say): string {
  if (isOffline(refusal)) return say("offline")
  if (refusal.type === "blocked_by_browser") return say("blocked", { name })
  if (refusal.type === "window_closed") return say("windowClosed", { name })
  if (refusal.message) return refusal.message
  return refusal.issues.length > 0 ? say("someWrong") : say("unknownError")
}
