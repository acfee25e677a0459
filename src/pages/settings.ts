import type { App } from "../app/context.ts"

/** How the operator wants the Connect page to look, as `GET /connect/session` says it; `logo_url` is ours. */
export type ConnectUiSettings = {
  showWatermark: boolean
  defaultTheme: "system" | "light" | "dark"
  theme: { light: { primary: string }; dark: { primary: string } }
  logo_url?: string
}

export function connectUiSettings({ config }: Pick<App, "config">): ConnectUiSettings {
  const light = config.connectPrimaryColor
  return {
    showWatermark: config.connectShowWatermark,
    defaultTheme: config.connectDefaultTheme,
    theme: { light: { primary: light }, dark: { primary: config.connectPrimaryColorDark ?? light } },
    ...(config.connectLogoUrl ? { logo_url: config.connectLogoUrl } : {}),
  }
}
