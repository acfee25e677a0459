import { createApi, unreachable, type Api } from "./api.ts"
import { initialValues, planForm, type Target } from "./fields.ts"
import { ConnectError, type Connected, type Integration, type Session } from "./model.ts"
import { listenToParent, type Parent } from "./parent.ts"
import { socketUrl, type Opening } from "./place.ts"
import { connectInWindow, openWindow } from "./popup.ts"
import { opensWindow, planAsk } from "./submit.ts"

export type Screen =
  | { at: "loading" | "missing" | "expired" | "list" }
  | { at: "failed"; error: ConnectError }
  | { at: "form"; target: Target; refusal?: ConnectError }
  | { at: "busy"; target: Target; inWindow: boolean }
  | { at: "done"; target: Target; connected: Connected }

export type State = { screen: Screen; session?: Session; integrations: Integration[]; choosing?: string }

export type Flow = {
  state: () => State
  choose: (integration: Integration) => Promise<void>
  back: () => void
  submit: (target: Target) => Promise<void>
  cancel: () => void
  reload: () => Promise<void>
  close: () => void
}

type Start = { opening: Opening; base: URL; language: string; onChange: (state: State) => void }

/** The course of the page: what is loaded, shown and told to the owner's page. Views only draw its state. */
export function startFlow({ opening, base, language, onChange }: Start): Flow {
  let state: State = { screen: { at: "loading" }, integrations: [] }
  let api: Api | undefined
  let parent: Parent | undefined
  let running: AbortController | undefined
  const targets = new Map<string, Target>()

  const set = (next: Partial<State>) => {
    state = { ...state, ...next }
    onChange(state)
  }
  /** A refused token ends the page wherever it is. */
  const fail = (error: ConnectError, otherwise: Screen) => {
    parent?.tell({ type: "error", payload: { errorType: error.type, errorMessage: error.message || error.type } })
    set({ screen: error.status === 401 ? { at: "expired" } : otherwise, choosing: undefined })
  }

  const begin = (token: string) => {
    api = createApi({ base, token, language })
    targets.clear()
    return load()
  }

  async function load(): Promise<void> {
    if (!api) return
    const mine = api
    set({ screen: { at: "loading" } })
    try {
      const [session, integrations] = await Promise.all([mine.session(), mine.integrations()])
      if (mine !== api) return
      set({ session, integrations })
      parent?.tell({ type: "settings_changed", payload: session.connectUISettings })
      const [only] = integrations
      if (integrations.length === 1 && only) await choose(only)
      else set({ screen: { at: "list" } })
    } catch (error) {
      if (mine === api) fail(asConnectError(error), { at: "failed", error: asConnectError(error) })
    }
  }

  async function choose(integration: Integration): Promise<void> {
    const { session } = state
    if (!api || !session || state.choosing) return
    try {
      set({ choosing: integration.unique_key })
      const target = targets.get(integration.unique_key) ?? (await readTarget(api, session, integration))
      targets.set(integration.unique_key, target)
      set({ screen: { at: "form", target }, choosing: undefined })
    } catch (error) {
      fail(asConnectError(error), { at: "failed", error: asConnectError(error) })
    }
  }

  async function submit(target: Target): Promise<void> {
    if (!api || state.screen.at !== "form") return
    const inWindow = opensWindow(target.provider)
    // First of all, while the browser still knows of the click: later it would block the window.
    const win = inWindow ? openWindow() : null
    running = new AbortController()
    const { signal } = running
    set({ screen: { at: "busy", target, inWindow } })
    try {
      const connected = await ask(api, target, win, signal)
      if (signal.aborted) return
      parent?.tell({ type: "connect", payload: connected })
      set({ screen: { at: "done", target, connected } })
    } catch (error) {
      if (!signal.aborted) fail(asConnectError(error), { at: "form", target, refusal: asConnectError(error) })
    }
  }

  function ask(api: Api, target: Target, win: Window | null, signal: AbortSignal): Promise<Connected> {
    const { integration, provider, plan, values, externalId } = target
    const integrationKey = integration.unique_key
    const request = planAsk({ provider, integrationKey, plan, values, externalId })
    if (request.how === "post") return api.connect(request)
    const socket = socketUrl(base, state.session?.websocketsPath)
    const detectsClosed = opening.detectsClosedWindow
    return connectInWindow({ win, api, ask: request, socketUrl: socket, integrationKey, detectsClosed, signal })
  }

  function cancel(): void {
    running?.abort()
    if (state.screen.at === "busy") set({ screen: { at: "form", target: state.screen.target } })
  }

  if (opening.isFramed) {
    parent = listenToParent(window as never, (token) => void begin(token))
    parent.tell({ type: "ready" })
  }
  if (opening.token) void begin(opening.token)
  else if (!opening.isFramed) state = { ...state, screen: { at: "missing" } }

  return {
    state: () => state,
    choose,
    submit,
    cancel,
    back: () => set({ screen: { at: "list" } }),
    reload: load,
    close() {
      running?.abort()
      parent?.tell({ type: "close" })
    },
  }
}

async function readTarget(api: Api, session: Session, integration: Integration): Promise<Target> {
  const provider = await api.provider(integration.provider)
  const plan = planForm({ provider, integration, session })
  // A role that is connected again keeps the id that its trust policy has.
  const isNewRole = provider.auth_mode === "AWS_SIGV4" && !session.isReconnecting
  const externalId = isNewRole ? readExternalId(integration.unique_key) : undefined
  return { integration, provider, plan, values: initialValues(plan), externalId }
}

/** It is written into the role's trust policy before the form is sent, so it must outlive a reload of the page. */
function readExternalId(key: string): string {
  const name = `sluice-external-id:${key}`
  const fresh = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
  try {
    const known = window.sessionStorage.getItem(name) ?? fresh
    window.sessionStorage.setItem(name, known)
    return known
  } catch {
    // Frames may be refused any storage; then it lives as long as the page.
    return fresh
  }
}

const asConnectError = (error: unknown): ConnectError =>
  error instanceof ConnectError ? error : new ConnectError("unknown_error", String(error))

export const isOffline = (error: ConnectError): boolean => error.type === unreachable
