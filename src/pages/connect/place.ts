import type { ThemeChoice } from "./model.ts"

/** How the page was opened. */
export type Opening = {
  /** In a frame of the owner's page, which gives the session token by message and hears what happens. */
  isFramed: boolean
  token?: string
  language?: string
  theme?: ThemeChoice
  detectsClosedWindow: boolean
}

const themes: string[] = ["system", "light", "dark"]

/** Reads the query of `openConnectUI` or of a link. An `apiURL` in it is not used: see `daemonBase`. */
export function readOpening(search: string, isFramed: boolean): Opening {
  const query = new URLSearchParams(search)
  const theme = query.get("theme") ?? ""
  return {
    isFramed,
    token: query.get("session_token") || undefined,
    language: query.get("lang") || undefined,
    theme: themes.includes(theme) ? (theme as ThemeChoice) : undefined,
    detectsClosedWindow: query.get("detectClosedAuthWindow") === "true",
  }
}

/** The address bar without the session token, which must not stay in the history, in bookmarks or in screenshots. */
export function withoutToken(href: string): string {
  const url = new URL(href)
  url.searchParams.delete("session_token")
  return `${url.pathname}${url.search}${url.hash}`
}

/**
 * Where the daemon is: the page's own address up to `connect/`, also below a path of a reverse proxy. The page talks to
 * nobody else, whatever `apiURL` says: anybody can write that into a link, and it would get the session token and
 * everything that is typed. The Content-Security-Policy of the page holds the same.
 */
export function daemonBase(href: string): URL {
  const url = new URL("..", href)
  url.search = ""
  url.hash = ""
  return url
}

/** The daemon's WebSocket. A path that does not know of the proxy's path is put below it. */
export function socketUrl(base: URL, path = "/"): URL {
  const url = new URL(path.startsWith(base.pathname) ? path : `.${path.startsWith("/") ? "" : "/"}${path}`, base)
  url.protocol = base.protocol === "https:" ? "wss:" : "ws:"
  return url
}
