import type { InputEventHandler } from "preact"
import { useState } from "preact/hooks"
import { Icon, IconButton, OutLink } from "../../shared/parts.tsx"
import type { Field } from "../fields.ts"
import type { Say } from "../texts.ts"

type FieldRowProps = {
  field: Field
  value: string
  problem?: string
  /** Page of instructions that the field's section is on. */
  docs?: string
  say: Say
  onInput: (value: string) => void
  /** `to` has the focus now. */
  onLeave: (to: EventTarget | null) => void
}

export function FieldRow(props: FieldRowProps) {
  const { field, problem, docs, say } = props
  const title = field.title ?? (field.titleKey ? say(field.titleKey) : field.name)
  const help = field.description ?? (field.helpKey ? say(field.helpKey) : undefined)
  const described = [help && `${field.id}-help`, problem && `${field.id}-problem`].filter(Boolean).join(" ")
  return (
    <div class="flex flex-col gap-1.5">
      <div class="flex flex-wrap items-baseline justify-between gap-x-3">
        <label for={field.id} class="text-sm font-medium text-ink">
          {title}
          {field.optional && <span class="ms-1.5 font-normal text-muted">({say("optional")})</span>}
        </label>
        {docs && field.doc_section && (
          <OutLink
            href={`${docs}${field.doc_section}`}
            label={`${say("find")} ${title} (${say("newWindow")})`}
            class="text-[13px]"
          >
            {say("find")}
          </OutLink>
        )}
      </div>
      <Input {...props} title={title} described={described || undefined} />
      {problem && (
        <p id={`${field.id}-problem`} class="flex items-start gap-1.5 text-[13px] text-danger">
          <Icon name="alert" class="mt-px size-4 shrink-0" />
          {problem}
        </p>
      )}
      {help && (
        <p id={`${field.id}-help`} class="text-[13px] text-pretty text-muted">
          {help}
        </p>
      )}
    </div>
  )
}

/** Password managers and the browser's memory have no business with somebody else's keys. */
const untouched = {
  autocomplete: "off",
  autocapitalize: "off",
  spellcheck: false,
  "data-1p-ignore": "true",
  "data-lpignore": "true",
  "data-bwignore": "true",
} as const

function Input({ field, value, problem, say, title, described, onInput, onLeave }: InputProps) {
  const [isShown, setShown] = useState(false)
  const common = {
    ...untouched,
    id: field.id,
    name: field.id,
    value,
    required: !field.optional,
    "aria-invalid": problem ? ("true" as const) : undefined,
    "aria-describedby": described,
    onBlur: (event: FocusEvent) => onLeave(event.relatedTarget),
  }
  const placeholder = field.example === undefined ? undefined : String(field.example)
  const box = `flex w-full items-stretch rounded-lg border bg-ground transition-colors focus-within:outline-2 focus-within:-outline-offset-1 ${problem ? "border-danger focus-within:outline-danger" : "border-edge focus-within:outline-accent"}`
  const inner =
    "w-0 min-w-0 grow bg-transparent px-3 text-base text-ink outline-none placeholder:text-muted/80 sm:text-[15px]"
  const toggle = field.secret && (
    <IconButton
      icon={isShown ? "eyeOff" : "eye"}
      label={say(isShown ? "hide" : "show", { field: title })}
      aria-pressed={isShown}
      class="m-1"
      onClick={() => setShown(!isShown)}
    />
  )
  if (field.enum) {
    return (
      <div class={box}>
        <select {...common} class={`${inner} me-2 h-11`} onChange={(event) => onInput(event.currentTarget.value)}>
          {!field.enum.map(String).includes(value) && <option value="">{say("choose")}</option>}
          {field.optional && value !== "" && <option value="">–</option>}
          {field.enum.map((one) => (
            <option key={String(one)} value={String(one)}>
              {String(one)}
            </option>
          ))}
        </select>
      </div>
    )
  }
  const onText: InputEventHandler<HTMLInputElement | HTMLTextAreaElement> = (event) =>
    onInput(event.currentTarget.value)
  if (field.isLong) {
    const hidden = field.secret && !isShown ? "masked" : ""
    return (
      <div class={box}>
        <textarea
          {...common}
          rows={4}
          placeholder={placeholder}
          class={`${inner} resize-y py-2.5 font-mono text-[13px]! ${hidden}`}
          onInput={onText}
        />
        {toggle}
      </div>
    )
  }
  return (
    <div class={box}>
      {field.prefix && <Affix text={field.prefix} class="rounded-s-lg border-e" />}
      <input
        {...common}
        {...(field.secret && !isShown ? ({ type: "password" } as const) : ({ type: "text" } as const))}
        inputMode={field.format === "email" ? "email" : field.format === "uri" ? "url" : undefined}
        placeholder={placeholder}
        class={`${inner} h-11`}
        onInput={onText}
      />
      {field.suffix && <Affix text={field.suffix} class="rounded-e-lg border-s" />}
      {toggle}
    </div>
  )
}
type InputProps = FieldRowProps & { title: string; described?: string }

/** Part of the address that is always the same; read out before or after the input's own label would be noise. */
const Affix = ({ text, class: given }: { text: string; class: string }) => (
  <span
    aria-hidden="true"
    class={`flex max-w-1/2 shrink-0 items-center border-line bg-soft px-2.5 text-sm text-muted ${given}`}
  >
    <span class="truncate">{text}</span>
  </span>
)
