import { useEffect, useRef, useState } from "preact/hooks"
import { IconButton } from "../shared/parts.tsx"
import { type Flow, type State, startFlow } from "./flow.ts"
import { applyLook } from "./look.ts"
import type { Opening } from "./place.ts"
import type { Say } from "./texts.ts"
import { nameOf } from "./views/names.ts"
import { View } from "./views/view.tsx"

type AppProps = { opening: Opening; base: URL; language: string; say: Say }

export function App({ opening, base, language, say }: AppProps) {
  const [state, setState] = useState<State>({ screen: { at: "loading" }, integrations: [] })
  const flow = useRef<Flow>(null)
  useEffect(() => {
    flow.current = startFlow({ opening, base, language, onChange: setState })
    setState(flow.current.state())
  }, [])
  const settings = state.session?.connectUISettings
  useEffect(() => applyLook(opening.theme ?? settings?.defaultTheme ?? "system", settings), [settings])
  useTitle(state, say)
  const { current } = flow
  return (
    <Stage isFramed={opening.isFramed} onClose={() => current?.close()}>
      <Head state={state} flow={current} isFramed={opening.isFramed} say={say} />
      <main class="flex grow flex-col scroll-pb-28 overflow-y-auto overscroll-contain px-5 sm:px-7">
        {current && <View state={state} flow={current} isFramed={opening.isFramed} say={say} />}
      </main>
      {settings?.showWatermark && (
        <footer class="border-t border-line px-5 py-2.5 text-center text-xs text-muted">
          {say("poweredBy")} <span class="font-semibold text-ink">sluice</span>
        </footer>
      )}
      <p role="status" class="sr-only">
        {announce(state, say)}
      </p>
    </Stage>
  )
}

/** The dimmed ground of a frame, which closes on a click beside the card; a plain page otherwise. */
function Stage({ isFramed, onClose, children }: { isFramed: boolean; onClose: () => void; children: unknown }) {
  const card = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!isFramed) return undefined
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.isComposing) onClose()
      if (event.key === "Tab" && card.current) keepInside(card.current, event)
    }
    document.addEventListener("keydown", onKey)
    return () => document.removeEventListener("keydown", onKey)
  }, [onClose])
  const dialog = isFramed ? ({ role: "dialog", "aria-modal": "true", "aria-labelledby": "heading" } as const) : {}
  return (
    <div
      class={`stage flex min-h-dvh flex-col items-center justify-center font-sans text-ink sm:p-6 ${isFramed ? "h-dvh" : "bg-soft"}`}
      onPointerDown={(event) => isFramed && event.target === event.currentTarget && onClose()}
    >
      <div
        ref={card}
        {...dialog}
        class={`card flex w-full grow flex-col overflow-hidden bg-ground sm:max-w-[26.5rem] sm:grow-0 sm:rounded-2xl ${isFramed ? "shadow-2xl sm:max-h-[46rem] sm:min-h-92" : "sm:min-h-96 sm:border sm:border-line sm:shadow-sm"}`}
      >
        {children as never}
      </div>
    </div>
  )
}

/** The page behind the frame is not part of the dialog: Tab goes round inside it. */
function keepInside(card: HTMLElement, event: KeyboardEvent): void {
  const stops = [...card.querySelectorAll<HTMLElement>("a[href],button,input,select,textarea")].filter(
    (one) => !one.hasAttribute("disabled") && one.tabIndex >= 0,
  )
  const [first, last] = [stops[0], stops[stops.length - 1]]
  const { activeElement } = document
  const isLeaving = event.shiftKey ? activeElement === first || activeElement?.id === "heading" : activeElement === last
  if (!isLeaving) return
  event.preventDefault()
  ;(event.shiftKey ? last : first)?.focus()
}

type HeadProps = { state: State; flow: Flow | null; isFramed: boolean; say: Say }
function Head({ state, flow, isFramed, say }: HeadProps) {
  const { screen, integrations } = state
  const logo = state.session?.connectUISettings.logo_url
  const goesBack = screen.at === "form" && integrations.length > 1
  return (
    <header
      class={`flex shrink-0 items-center gap-2 px-3 sm:px-4 ${isFramed || goesBack || logo ? "min-h-16" : "h-8"}`}
    >
      {goesBack && <IconButton icon="back" label={say("back")} onClick={() => flow?.back()} />}
      {logo && <img src={logo} alt="" class={`h-7 max-w-40 object-contain ${goesBack ? "" : "ms-2 sm:ms-3"}`} />}
      {isFramed && <IconButton icon="close" label={say("close")} class="ms-auto" onClick={() => flow?.close()} />}
    </header>
  )
}

/** What screen readers are told where no heading takes the focus. */
function announce({ screen, choosing }: State, say: Say): string {
  if (screen.at === "loading" || choosing) return say("loading")
  return ""
}

function useTitle({ screen, session }: State, say: Say): void {
  const title =
    "target" in screen
      ? say(session?.isReconnecting ? "titleAgain" : "title", { name: nameOf(screen.target) })
      : say("listTitle")
  useEffect(() => void (document.title = title), [title])
}
