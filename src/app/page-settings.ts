import { z } from "zod"
import { color, flag, frameSources, url } from "./setting-shapes.ts"

/** Settings of what end users see and walk through. */
export const pageSettings = {
  connectUrl: {
    name: "SLUICE_CONNECT_URL",
    aliases: ["NANGO_PUBLIC_CONNECT_URL"],
    default: undefined,
    schema: url.optional(),
    help: "The address of the Connect page in links that are shared. Default: /connect on this daemon.",
  },
  connectLogoUrl: {
    name: "SLUICE_CONNECT_LOGO_URL",
    default: undefined,
    schema: url.optional(),
    help: "Your logo on the Connect page, an https image.",
  },
  connectPrimaryColor: {
    name: "SLUICE_CONNECT_PRIMARY_COLOR",
    default: "#00B2E3",
    schema: color,
    help: "Colour of buttons on the Connect page, such as #00B2E3.",
  },
  connectPrimaryColorDark: {
    name: "SLUICE_CONNECT_PRIMARY_COLOR_DARK",
    default: undefined,
    schema: color.optional(),
    help: "The same in the dark theme. Default: as in the light one.",
  },
  connectDefaultTheme: {
    name: "SLUICE_CONNECT_DEFAULT_THEME",
    default: "system",
    schema: z.enum(["system", "light", "dark"]),
    help: "Theme of the Connect page.",
  },
  connectShowWatermark: {
    name: "SLUICE_CONNECT_SHOW_WATERMARK",
    default: true,
    schema: flag,
    help: "Shows on the Connect page what it is made with.",
  },
  connectFrameAncestors: {
    name: "SLUICE_CONNECT_FRAME_ANCESTORS",
    default: ["*"],
    schema: frameSources,
    help: "Origins whose pages may frame the Connect page, separated by commas, such as https://app.example.com; self for this one only, none for links alone.",
  },
  websocketsPath: {
    name: "SLUICE_WEBSOCKETS_PATH",
    aliases: ["NANGO_SERVER_WEBSOCKETS_PATH"],
    default: "/",
    schema: z.string().startsWith("/"),
    help: "Path at which browsers open a WebSocket to hear how an authorization ended.",
  },
  bindBrowser: {
    name: "SLUICE_BIND_BROWSER",
    default: true,
    schema: flag,
    help: "An authorization can only be finished by the browser that began it, which is told by a cookie.",
  },
}
