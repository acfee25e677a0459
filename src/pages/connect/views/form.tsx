import { useEffect, useRef } from "preact/hooks"
import { Avatar } from "../../shared/avatar.tsx"
import { Button, Heading, Icon, OutLink } from "../../shared/parts.tsx"
import type { Target } from "../fields.ts"
import { isOffline, type Screen } from "../flow.ts"
import type { ConnectError } from "../model.ts"
import { opensWindow } from "../submit.ts"
import type { Say, TextKey } from "../texts.ts"
import { ExternalId } from "./external-id.tsx"
import { FieldRow } from "./field.tsx"
import { nameOf } from "./names.ts"
import { useForm } from "./use-form.ts"
import type { ViewProps } from "./notice.tsx"

type FormProps = ViewProps & { screen: Extract<Screen, { at: "form" }>; isAgain: boolean }

export function Form({ screen, state, flow, isAgain, say }: FormProps) {
  const { target, refusal } = screen
  const { integration, provider } = target
  const { form, fields, values, problems, type, leave, check } = useForm(target, refusal, say)
  const ownGuide = state.session?.overrides?.[integration.unique_key]?.docs_connect
  const submit = (event: Event) => {
    event.preventDefault()
    if (check()) flow.submit(target)
  }
  return (
    <form ref={form} noValidate autocomplete="off" onSubmit={submit} class="flex grow flex-col">
      <FormHead target={target} isAgain={isAgain} guide={ownGuide ?? provider.docs_connect} say={say} />
      {refusal && <Refusal refusal={refusal} name={nameOf(target)} say={say} />}
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
            onInput={(value) => type(field, value)}
            onLeave={(to) => leave(field, to)}
          />
        ))}
      </div>
      <div class="foot sticky bottom-0 -mx-5 mt-auto flex flex-col gap-3 bg-ground px-5 pt-3 pb-5 sm:-mx-7 sm:px-7">
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

type HeadProps = { target: Target; isAgain: boolean; guide?: string; say: Say }
function FormHead({ target, isAgain, guide, say }: HeadProps) {
  const name = nameOf(target)
  return (
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
  )
}

function leadOf({ provider, plan }: Target): TextKey {
  if (plan.fields.length > 0) return "leadForm"
  return opensWindow(provider) ? "leadWindow" : "leadClick"
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
