import { useRef, useState } from "preact/hooks"
import { type Field, type Target, visibleFields } from "../fields.ts"
import type { ConnectError } from "../model.ts"
import type { Say, TextKey } from "../texts.ts"
import { problemOf, tidy } from "../typed.ts"

/** What is wrong, by the field's id. */
type Problems = Record<string, string | undefined>

/** What stands in a form and what is wrong with it. */
export function useForm(target: Target, refusal: ConnectError | undefined, say: Say) {
  const [values, setValues] = useState(target.values)
  const [problems, setProblems] = useState<Problems>(() => refusedFields(target, refusal))
  const form = useRef<HTMLFormElement>(null)
  const fields = visibleFields(target.plan, values)

  const keep = (field: Field, value: string) => {
    // The target outlives the form, so that nothing has to be typed twice after a refusal.
    target.values = { ...target.values, [field.id]: value }
    setValues(target.values)
  }
  const judge = (field: Field): string | undefined => {
    const key = problemOf(field, tidy(field, target.values[field.id] ?? ""))
    return key && sentence(say, key, field)
  }
  return {
    form,
    fields,
    values,
    problems,
    type(field: Field, value: string) {
      keep(field, value)
      if (problems[field.id]) setProblems({ ...problems, [field.id]: undefined })
    },
    /** A sentence that appears moves what is below it: on the way to a button the click would miss it. */
    leave(field: Field, to: EventTarget | null) {
      const value = values[field.id] ?? ""
      if (value === "") return
      keep(field, tidyShown(field, value))
      const isOnTheWay = to instanceof Element && to.matches("input,select,textarea")
      if (isOnTheWay) setProblems({ ...problems, [field.id]: judge(field) })
    },
    /** Whether all is well; else the first field that is not has the focus. */
    check(): boolean {
      for (const field of fields) keep(field, tidyShown(field, values[field.id] ?? ""))
      const found = Object.fromEntries(fields.map((field) => [field.id, judge(field)]))
      setProblems(found)
      const wrong = fields.find(({ id }) => found[id])
      if (wrong) form.current?.querySelector<HTMLElement>(`#${CSS.escape(wrong.id)}`)?.focus()
      return !wrong
    },
  }
}

/** Keys and certificates stay as they were pasted; what is sent is trimmed anyway. */
const tidyShown = (field: Field, value: string) => (field.isLong ? value : tidy(field, value))

function sentence(say: Say, key: TextKey, { example }: Field): string {
  if (key !== "badPattern" || example === undefined || example === "") return say(key)
  return `${say(key)} ${say("exampleIs", { example: String(example) })}`
}

/** Refused values that the server names are shown at their fields. */
function refusedFields({ plan }: Target, refusal: ConnectError | undefined): Problems {
  const found = (refusal?.issues ?? []).flatMap(({ message, path }) => {
    const field = plan.fields.find(({ name }) => name === path[path.length - 1])
    return field ? [[field.id, message] as const] : []
  })
  return Object.fromEntries(found)
}
