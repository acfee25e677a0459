import { z } from "zod"
import { defineFaults } from "../kit/errors.ts"
import { UniqueKey } from "../kit/shapes.ts"
import { bool, int, json, table, text, time } from "../store/columns.ts"
import type { FunctionDefinition } from "./definition.ts"

/**
 * Function: the owner's code: a sync, an action or an event function. A row is the deployed one; its code stands beside
 * it, so that lists stay small. Avoid: script, flow.
 */
export const functions = table("functions", {
  id: int("id").primaryKey({ autoIncrement: true }),
  environment_id: int("environment_id").notNull(),
  integration_id: int("integration_id").notNull(),
  name: text("name").notNull(),
  type: text("type").$type<FunctionDefinition["type"]>().notNull(),
  enabled: bool("enabled").notNull(),
  version: text("version").notNull(),
  definition: json<FunctionDefinition>("definition").notNull(),
  code_hash: text("code_hash").notNull(),
  source: text("source").$type<"repo" | "standalone" | "catalog">().notNull(),
  deployed_at: time("deployed_at").notNull(),
  created_at: time("created_at").notNull(),
  deleted_at: time("deleted_at"),
})
export type FunctionRow = typeof functions.$inferSelect

export const functionCode = table("function_code", {
  function_id: int("function_id").primaryKey(),
  /** The bundle that runs: CommonJS. */
  code: text("code").notNull(),
  /** Source map of the bundle; it never enters a guest. */
  map: text("map"),
  /** The entry as the owner wrote it. */
  source: text("source").notNull(),
})
export type FunctionCode = typeof functionCode.$inferSelect

const longestPath = 500
const largestFile = 5 * 1024 * 1024

export const DeployProject = z.strictObject({
  /** Project-relative path → text. */
  files: z.record(z.string().min(1).max(longestPath), z.string().max(largestFile)),
  /** `plan` changes nothing; `apply` carries out a plan. */
  mode: z.enum(["plan", "apply"]),
  /** Only functions of this integration are compared, and so only they can be deleted. */
  integration: UniqueKey.optional(),
  /** The digest of the plan that was shown; another one means that something changed since. */
  expect: z.string().max(100).optional(),
})
export type DeployProject = z.output<typeof DeployProject>

export const functionFaults = defineFaults({
  not_found: [404, "Function does not exist"],
  ambiguous_function: [409, "Several functions have this name: say which type is meant"],
  function_managed_by_deploy: [400, "The function belongs to a deployed project: remove it there and deploy again"],
  invalid_project: [400, "The project cannot be deployed."],
  unknown_provider_config: [400, "There is no integration with this id in this environment.", "legacy"],
  concurrent_deployment: [409, "Another deploy is running in this environment.", "legacy"],
  deploy_script_security_rejected: [400, "The code of a function is not allowed.", "legacy"],
  deploy_missing_json_schema_model: [400, "The schema of the deploy lacks a model.", "legacy"],
  invalid_cli_version: [400, "This version of the CLI is too old."],
  plan_changed: [409, "What would be deployed has changed since the plan was made."],
})

/** Deploys of bundles have their own words for some of these. */
export const bundleFaults = defineFaults({
  integration_not_found: [400, "Integration(s) not found"],
  function_exists: [400, "There is an action of this name."],
  concurrent_deployment: [409, "Another deploy is running in this environment."],
})
