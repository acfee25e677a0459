import type { App } from "../app/context.ts"

/** How the Connect page looks, on the wire of `GET /connect/session`. `logo_url` is ours. */
export type ConnectUiSettings = {
  showWatermark: boolean
  defaultTheme: "system" | "light" | "dark"
  theme: { light: { primary: string }; dark: { primary: string } }
  logo_url?: string
}

export function connectUiSettings({ config }: Pick<App, "config">): ConnectUiSettings {
  return {
    showWatermark: config.connectShowWatermark,
    defaultTheme: config.connectDefaultTheme,
    theme: {
      light: { primary: config.connectPrimaryColor },
      dark: { primary: config.connectPrimaryColorDark ?? config.connectPrimaryColor },
    },
    ...(config.connectLogoUrl ? { logo_url: config.connectLogoUrl } : {}),
  }
}
