import { useRef, useState } from "preact/hooks"
import type { Say } from "../texts.ts"

/** What the owner of an AWS role must copy into its trust policy. */
export function ExternalId({ value, say }: { value: string; say: Say }) {
  const [isCopied, setCopied] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value)
      setCopied(true)
    } catch {
      // Frames may be refused the clipboard: then it is at least selected.
      input.current?.select()
    }
  }
  return (
    <div class="flex flex-col gap-1.5">
      <label for="external-id" class="text-sm font-medium text-ink">
        {say("externalId")}
      </label>
      <div class="flex items-stretch overflow-hidden rounded-lg border border-line bg-soft">
        <input
          ref={input}
          id="external-id"
          readOnly
          value={value}
          aria-describedby="external-id-help"
          class="h-11 min-w-0 grow bg-transparent px-3 font-mono text-[13px] text-ink"
          onFocus={(event) => event.currentTarget.select()}
        />
        <button
          type="button"
          class="border-s border-line px-3.5 text-sm font-medium text-ink hover:bg-ground"
          onClick={() => void copy()}
        >
          {say(isCopied ? "copied" : "copy")}
        </button>
      </div>
      <p role="status" class="sr-only">
        {isCopied && say("copied")}
      </p>
      <p id="external-id-help" class="text-[13px] text-muted">
        {say("externalIdHelp")}
      </p>
    </div>
  )
}
