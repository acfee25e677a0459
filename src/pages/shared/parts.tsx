import type { ButtonHTMLAttributes, ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"

const paths = {
  close: "M6 6l12 12M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  out: "M8 16L16.5 7.5M9.5 7H17v7.5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 100-6 3 3 0 000 6z",
  eyeOff:
    "M4 4l16 16M9.9 5.7A9 9 0 0112 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 01-3 3.7M6.3 7.4A16.5 16.5 0 002.5 12S6 18.5 12 18.500a9.3 9.3 0 004-.9M10 10a3 3 0 004 4",
  check: "M5 12.5l4.5 4.500L19 7.5",
  alert: "M12 8v5M12 16.500v.01M12 21a9 9 0 100-18 9 9 0 000 18z",
  search: "M16 16l4.5 4.500M18 11a7 7 0 11-14 0 7 7 0 0114 0z",
  lock: "M7 11V8a5 5 0 0110 0v3M6 11h12v9H6z",
  clock: "M12 7v5l3.5 2M12 21a9 9 0 100-18 9 9 0 000 18z",
  link: "M10 14a4 4 0 005.7 0l3-3A4 4 0 0013 5.300l-1 1M14 10a4 4 0 00-5.7 0l-3 3a4 4 0 005.7 5.700l1-1",
} satisfies Record<string, string>
export type IconName = keyof typeof paths

/** A picture that says nothing which the text beside it does not say. */
export const Icon = ({ name, class: given = "size-5" }: { name: IconName; class?: string }) => (
  <svg
    class={given}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.8"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d={paths[name]} />
  </svg>
)

type SpinnerProps = { class?: string; width?: string }
export const Spinner = ({ class: given = "size-5", width = "2.5" }: SpinnerProps) => (
  <svg class={`animate-spin ${given}`} viewBox="0 0 24 24" fill="none" stroke="currentColor" aria-hidden="true">
    <circle class="opacity-20" cx="12" cy="12" r="9" stroke-width={width} />
    <path d="M21 12a9 9 0 00-9-9" stroke-width={width} stroke-linecap="round" />
  </svg>
)

const looks = {
  primary: "bg-primary text-on-primary hover:not-disabled:bg-hover",
  plain: "border border-line bg-ground text-ink hover:not-disabled:bg-soft",
}

type ButtonProps = ButtonHTMLAttributes & { look: keyof typeof looks }
export const Button = ({ look, class: given = "", ...rest }: ButtonProps) => (
  <button
    type="button"
    {...rest}
    class={`inline-flex min-h-11 w-full items-center justify-center gap-2 rounded-lg px-4 text-[15px] font-semibold transition-colors ${looks[look]} ${String(given)}`}
  />
)

type IconButtonProps = ButtonHTMLAttributes & { icon: IconName; label: string }
export const IconButton = ({ icon, label, class: given = "", ...rest }: IconButtonProps) => (
  <button
    type="button"
    aria-label={label}
    title={label}
    {...rest}
    class={`inline-flex size-9 shrink-0 items-center justify-center rounded-lg text-muted transition-colors hover:bg-soft hover:text-ink ${String(given)}`}
  >
    <Icon name={icon} />
  </button>
)

/** The heading of a view. It takes the focus when the view appears, so that screen readers begin there. */
export function Heading({ children, class: given = "" }: { children: ComponentChildren; class?: string }) {
  const ref = useRef<HTMLHeadingElement>(null)
  useEffect(() => ref.current?.focus(), [])
  return (
    <h1
      ref={ref}
      id="heading"
      tabIndex={-1}
      class={`text-xl font-semibold tracking-tight text-balance text-ink ${given}`}
    >
      {children}
    </h1>
  )
}

/** A link out of the page; nothing but http and https is ever followed. */
export function OutLink({ href, label, class: given = "", children }: OutLinkProps) {
  if (!/^https?:\/\//i.test(href)) return null
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer"
      aria-label={label}
      class={`inline-flex items-center gap-0.5 font-medium text-accent underline-offset-2 hover:underline ${given}`}
    >
      {children}
      <Icon name="out" class="size-4" />
    </a>
  )
}
type OutLinkProps = { href: string; label: string; class?: string; children: ComponentChildren }
