import { render } from "preact"
import { App } from "./app.tsx"
import { daemonBase, readOpening, withoutToken } from "./place.ts"
import { speak } from "./texts.ts"

const opening = readOpening(window.location.search, window.parent !== window)
const base = daemonBase(window.location.href)
if (opening.token) window.history.replaceState(null, "", withoutToken(window.location.href))

const speech = speak([opening.language, ...navigator.languages])
document.documentElement.lang = speech.language
document.documentElement.dir = speech.direction
document.documentElement.dataset.frame = String(opening.isFramed)

const root = document.getElementById("root")
if (root) render(<App opening={opening} base={base} language={speech.language} say={speech.say} />, root)
