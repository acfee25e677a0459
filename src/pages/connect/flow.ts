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

/** What a person can do. */
export type Flow = {
  state: () => State
  choose: (integration: Integration) => void
  back: () => void
  submit: (target: Target) => void
  cancel: () => void
  reload: () => void
  close: () => void
}

type Start = { opening: Opening; base: URL; language: string; onChange: (state: State) => void }
/** The page between two events. */
type Course = Start & {
  state: State
  token?: string
  api?: Api
  parent?: Parent
  /** The attempt that goes on. */
  running?: AbortController
  /** What was opened before, with what was typed there. */
  targets: Map<string, Target>
}

/** The course of the page: what is loaded, shown and told to the owner's page. Views only draw its state. */
export function startFlow(start: Start): Flow {
  const course: Course = { ...start, state: { screen: { at: "loading" }, integrations: [] }, targets: new Map() }
  const { opening } = start
  if (opening.isFramed) {
    course.parent = listenToParent(window, (token) => void begin(course, token))
    course.parent.tell({ type: "ready" })
  }
  if (opening.token) void begin(course, opening.token)
  else if (!opening.isFramed) course.state = { ...course.state, screen: { at: "missing" } }
  return {
    state: () => course.state,
    choose: (integration) => void choose(course, integration),
    submit: (target) => void submit(course, target),
    reload: () => void load(course),
    back: () => show(course, { screen: { at: "list" } }),
    cancel() {
      const { screen } = course.state
      course.running?.abort()
      if (screen.at === "busy") show(course, { screen: { at: "form", target: screen.target } })
    },
    close() {
      course.running?.abort()
      course.parent?.tell({ type: "close" })
    },
  }
}

function show(course: Course, next: Partial<State>): void {
  course.state = { ...course.state, ...next }
  course.onChange(course.state)
}

/** A refused token ends the page wherever it is; after anything else `otherwise` is shown. */
function fail(course: Course, error: ConnectError, otherwise: Screen): void {
  const errorType = isOffline(error) ? "unknown_error" : error.type
  course.parent?.tell({ type: "error", payload: { errorType, errorMessage: error.message || error.type } })
  show(course, { screen: error.status === 401 ? { at: "expired" } : otherwise, choosing: undefined })
}

async function begin(course: Course, token: string): Promise<void> {
  // The owner's page says it again when the frame is ready anew.
  if (token === course.token) return
  course.running?.abort()
  course.token = token
  course.api = createApi({ base: course.base, token, language: course.language })
  course.targets.clear()
  await load(course)
}

async function load(course: Course): Promise<void> {
  const { api } = course
  if (!api) return
  show(course, { screen: { at: "loading" }, choosing: undefined })
  try {
    const [session, integrations] = await Promise.all([api.session(), api.integrations()])
    if (api !== course.api) return
    show(course, { session, integrations })
    course.parent?.tell({ type: "settings_changed", payload: session.connectUISettings })
    const [only] = integrations
    if (integrations.length === 1 && only) await choose(course, only)
    else show(course, { screen: { at: "list" } })
  } catch (thrown) {
    const error = asConnectError(thrown)
    if (api === course.api) fail(course, error, { at: "failed", error })
  }
}

async function choose(course: Course, integration: Integration): Promise<void> {
  const { api, targets } = course
  const { session, choosing } = course.state
  if (!api || !session || choosing) return
  const key = integration.unique_key
  try {
    show(course, { choosing: key })
    const target = targets.get(key) ?? (await readTarget(api, session, integration))
    if (api !== course.api) return
    targets.set(key, target)
    show(course, { screen: { at: "form", target }, choosing: undefined })
  } catch (thrown) {
    const error = asConnectError(thrown)
    if (api === course.api) fail(course, error, { at: "failed", error })
  }
}

async function submit(course: Course, target: Target): Promise<void> {
  const { api } = course
  if (!api || course.state.screen.at !== "form") return
  const inWindow = opensWindow(target.provider)
  // First of all, while the browser still knows of the click: later it would block the window.
  const win = inWindow ? openWindow() : null
  const running = new AbortController()
  course.running = running
  show(course, { screen: { at: "busy", target, inWindow } })
  try {
    const connected = await ask(course, api, { target, win, signal: running.signal })
    if (running.signal.aborted) return
    course.parent?.tell({ type: "connect", payload: connected })
    show(course, { screen: { at: "done", target, connected } })
  } catch (thrown) {
    const refusal = asConnectError(thrown)
    if (!running.signal.aborted) fail(course, refusal, { at: "form", target, refusal })
  }
}

type Attempt = { target: Target; win: Window | null; signal: AbortSignal }

function ask(course: Course, api: Api, { target, win, signal }: Attempt): Promise<Connected> {
  const { integration, provider, plan, values, externalId } = target
  const integrationKey = integration.unique_key
  const request = planAsk({ provider, integrationKey, plan, values, externalId })
  if (request.how === "post") return api.connect(request)
  const socket = socketUrl(course.base, course.state.session?.websocketsPath)
  const detectsClosed = course.opening.detectsClosedWindow
  return connectInWindow({ win, api, ask: request, socketUrl: socket, integrationKey, detectsClosed, signal })
}

async function readTarget(api: Api, session: Session, integration: Integration): Promise<Target> {
  const provider = await api.provider(integration.provider)
  const plan = planForm({ provider, integration, session })
  // A role that is connected again keeps the id that its trust policy has.
  const isNewRole = provider.auth_mode === "AWS_SIGV4" && !session.isReconnecting
  const externalId = isNewRole ? readExternalId(session, integration) : undefined
  return { integration, provider, plan, values: initialValues(plan), externalId }
}

/**
 * It is written into the role's trust policy before the form is sent, so it must outlive a reload of the page. Two end
 * users never share one: it is what keeps one's role from being used for the other.
 */
function readExternalId(session: Session, { unique_key: key }: Integration): string {
  const given = session.integrations_config_defaults?.[key]?.connection_config?.external_id
  if (typeof given === "string" && given !== "") return given
  const name = `sluice-external-id:${key}:${session.endUser?.id ?? ""}`
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const fresh = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
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
