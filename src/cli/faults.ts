import { defineFaults } from "../kit/errors.ts"

/** Codes that begin with `usage_` end with exit code 2, conflicts (409) with 5. */
export const cliFaults = defineFaults({
  usage_url: [400, "The address of the daemon is not an http or https URL."],
  usage_secret_key: [400, "No secret key was given."],
  usage_input: [400, "The input is not valid."],
  usage_confirmation: [400, "This needs a confirmation."],
  daemon_unreachable: [503, "The daemon cannot be reached."],
  not_an_answer: [502, "What answered is not a sluice daemon."],
  file_exists: [409, "There is such a file already."],
  not_confirmed: [409, "The change was not confirmed."],
  demo_failed: [500, "The demo did not get through."],
  interrupted: [499, "Interrupted."],
})
