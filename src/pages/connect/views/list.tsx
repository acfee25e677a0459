import { useState } from "preact/hooks"
import { Avatar } from "../../shared/avatar.tsx"
import { Heading, Icon, Spinner } from "../../shared/parts.tsx"
import { listed, search } from "./names.ts"
import { Notice, type ViewProps } from "./notice.tsx"

/** From this many on there is a search. */
const many = 9

export function List({ state, flow, say }: ViewProps) {
  const [query, setQuery] = useState("")
  const all = listed(state.integrations)
  if (all.length === 0) return <Notice icon="link" title={say("nothingTitle")} lead={say("nothingLead")} />
  const found = search(all, query)
  return (
    <>
      <Heading>{say("listTitle")}</Heading>
      <p class="mt-1 text-[15px] text-muted">{say("listLead")}</p>
      {all.length >= many && (
        <div class="relative mt-4">
          <Icon name="search" class="pointer-events-none absolute inset-y-0 start-3 my-auto size-5 text-muted" />
          <input
            type="search"
            class="h-11 w-full rounded-lg border border-edge bg-ground ps-10 pe-3 text-base text-ink placeholder:text-muted"
            placeholder={say("search")}
            aria-label={say("search")}
            autocomplete="off"
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
          <p role="status" class="sr-only">
            {query && say("searchCount", { count: found.length })}
          </p>
        </div>
      )}
      {found.length === 0 && <p class="py-10 text-center text-muted">{say("searchEmpty", { query })}</p>}
      <ul class="-mx-2 mt-4 mb-5 flex flex-col gap-0.5">
        {found.map(({ integration, name, detail }) => (
          <li key={integration.unique_key}>
            <button
              type="button"
              class="group flex w-full items-center gap-3 rounded-xl px-2 py-2 text-start transition-colors hover:bg-soft"
              onClick={() => flow.choose(integration)}
            >
              <Avatar name={name} />
              <span class="min-w-0 grow">
                <span class="block truncate font-medium text-ink">{name}</span>
                {detail && <span class="block truncate text-[13px] text-muted">{detail}</span>}
              </span>
              <span class="text-muted transition-transform group-hover:translate-x-0.5 rtl:rotate-180">
                {state.choosing === integration.unique_key ? <Spinner /> : <Icon name="forward" />}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}
