import { judgeForeign } from "./judge.ts"
import { type Layer } from "./layer.ts"
import { combine } from "./layers.ts"
import { lookupRecipes } from "./lookup-recipes.ts"
import type { Provider } from "./model.ts"
import { revocationRecipes } from "./revocation-recipes.ts"
import { type CatalogueProblem, type CatalogueWarning, readEntries, readFiles } from "./source.ts"
import { verificationRecipes } from "./verification-recipes.ts"
import { webhookRecipes } from "./webhook-recipes.ts"

/** A name of the reference's own code for which there is no recipe here. */
export type UnknownScript = { member: keyof typeof scripts; name: string; providers: string[] }
export type Examination = {
  providers: number
  /** Whoever fixes these has an entry that works and keeps the rules. */
  problems: CatalogueProblem[]
  warnings: CatalogueWarning[]
  scripts: UnknownScript[]
}

/** The names that we can do something with. */
const scripts = {
  post_connection_script: lookupRecipes,
  credentials_verification_script: verificationRecipes,
  pre_connection_deletion_script: revocationRecipes,
  webhook_routing_script: webhookRecipes,
}
/** A member of our own that does what the script would. */
const instead = {
  post_connection_script: "post_connection",
  credentials_verification_script: undefined,
  pre_connection_deletion_script: "revocation",
  webhook_routing_script: "webhook",
} as const

/** Holds files and folders of somebody else's entries against all rules; their aliases may lead to those `below`. */
export async function examineFiles(paths: readonly string[], below: Layer): Promise<Examination> {
  const read = await Promise.all(paths.map(readFiles))
  const files = read.flatMap((part) => part.files)
  const source = readEntries({ files, problems: read.flatMap((part) => part.problems) }, "foreign")
  const layer = judgeForeign(source, "file", [below])
  const all = combine([below, layer])
  const ids = [...layer.rows.keys()]
  return {
    providers: ids.filter((id) => all.whereIs(id)).length,
    problems: [...all.problems, ...layer.warnings.filter(({ rule }) => rule)].map(withoutRule).toSorted(byPlace),
    warnings: layer.warnings.filter(({ rule }) => !rule).toSorted(byPlace),
    scripts: unknownScripts(ids.flatMap((id) => [[id, all.make(id)] as const])),
  }
}

const withoutRule = ({ rule: _, ...problem }: CatalogueWarning): CatalogueProblem => problem
const byPlace = (a: CatalogueProblem, b: CatalogueProblem) =>
  a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1

function unknownScripts(entries: readonly (readonly [id: string, provider: Provider | undefined])[]): UnknownScript[] {
  const found = new Map<string, UnknownScript>()
  for (const [id, provider] of entries) {
    for (const member of Object.keys(scripts) as (keyof typeof scripts)[]) {
      const name = provider?.[member]
      const own = instead[member]
      if (!provider || !name || Object.hasOwn(scripts[member], name) || (own && provider[own])) continue
      const key = `${member} ${name}`
      const known = found.get(key) ?? { member, name, providers: [] }
      known.providers.push(id)
      found.set(key, known)
    }
  }
  return [...found.values()].toSorted((a, b) => (`${a.member} ${a.name}` < `${b.member} ${b.name}` ? -1 : 1))
}
