import type { WebhookRecipe } from "./webhook-recipe.ts"
import { config, connection, hmac, metadata, standard } from "./webhook-recipe-parts.ts"

const githubApp: WebhookRecipe = {
  verify: [
    hmac("x-hub-signature-256", { prefix: "sha256=", secrets: ["webhook_secret", "app_digest"], require: "present" }),
  ],
  type: "${header.x-github-event}",
  connection: [config("installation_id", "${body.installation.id}")],
}
/** An administrator has approved what somebody asked for. */
const githubAppApproval: WebhookRecipe["completes"] = {
  when: { "body.action": "created", "body.requester.login": true },
  connection: config("handle", "${body.requester.login}"),
  answer: { installation_id: "body.installation.id" },
  save: {},
}
const watchedUri = metadata("googleCalendarWatchResourceUris", "${header.x-goog-resource-uri}")
const google: WebhookRecipe = { type: "${header.x-goog-resource-state}", connection: [watchedUri] }

/**
 * The names that the public catalogue format knows (`webhook_routing_script`) and what each of them means. An entry with a
 * `webhook` of its own needs no name.
 */
export const webhookRecipes: Record<string, WebhookRecipe> = {
  affinityWebhookRouting: { type: "${body.type}" },
  airtableWebhookRouting: { type: "${body.type}", connection: [metadata("webhooks", "${body.webhook.id}")] },
  attioWebhookRouting: {
    verify: [hmac("x-attio-signature")],
    each: "body.events",
    type: "${item.event_type}",
    connection: [config("workspace_id", "${item.id.workspace_id}")],
  },
  autotaskWebhookRouting: {
    verify: [hmac("x-hook-signature", { algorithm: "sha1", encoding: "base64", prefix: "sha1=", require: "always" })],
    type: "${body.EntityType}",
    connection: [config("webhookGuid", "${body.Guid}")],
  },
  calComWebhookRouting: {
    verify: [hmac("x-cal-signature-256")],
    type: "${body.triggerEvent}",
    connection: [connection("${query.nangoConnectionId}", "${body.nangoConnectionId}")],
  },
  calendlyWebhookRouting: {
    verify: [
      hmac("calendly-webhook-signature", {
        parts: { timestamp: "t", signature: "v1" },
        signed: "${timestamp}.${body}",
        tolerance: 180,
      }),
    ],
    type: "${body.event}",
    connection: [config("owner", "${body.created_by}")],
  },
  checkrPartnerWebhookRouting: {
    verify: [hmac("x-checkr-signature", { secrets: ["client_secret"], require: "always" })],
    type: "${body.type}",
    connection: [config("checkr_account_id", "${body.account_id}")],
  },
  fathomWebhookRouting: {
    verify: [standard()],
    connection: [metadata("emailAddress", "${body.recorded_by.email}")],
  },
  filloutWebhookRouting: { type: "${body.type}", connection: [metadata("formId", "${body.formId}")] },
  folkWebhookRouting: {
    verify: [standard()],
    type: "${body.type}",
    connection: [connection("${query.nangoConnectionId}")],
  },
  githubAppWebhookRouting: githubApp,
  githubAppOauthWebhookRouting: { ...githubApp, completes: githubAppApproval },
  gitlabWebhookRouting: {
    verify: [
      standard({ secrets: ["webhook_secret", "metadata.webhookSecret"] }),
      { kind: "token", signature: "header.x-gitlab-token", secrets: ["webhook_secret", "metadata.webhookSecret"] },
    ],
    type: "${header.x-gitlab-event}",
    connection: [connection("${query.nangoConnectionId}", "${body.nangoConnectionId}")],
  },
  gmailWebhookRouting: {
    verify: [
      {
        kind: "jwt",
        signature: "header.authorization",
        issuers: ["accounts.google.com", "https://accounts.google.com"],
        jwks_url: "https://www.googleapis.com/oauth2/v3/certs",
        require: "present",
      },
    ],
    decode: "body.message.data",
    type: "${body.type}",
    connection: [
      { ...config("emailAddressHash", "${decoded.emailAddress}"), as: "email-hash" },
      metadata("emailAddress", "${decoded.emailAddress}"),
      metadata("email", "${decoded.emailAddress}"),
    ],
  },
  googleWebhookRouting: google,
  googleCalendarWebhookRouting: google,
  googleDriveWebhookRouting: {
    type: "${header.x-goog-resource-state}",
    connection: [metadata("googleDriveWatchResourceIds", "${header.x-goog-resource-id}"), watchedUri],
  },
  highlevelWebhookRouting: {
    verify: [{ kind: "rsa", signature: "header.x-wh-signature", encoding: "base64", secrets: ["webhook_secret"] }],
    type: "${body.type}",
    connection: [config("locationId", "${body.locationId}"), config("companyId", "${body.companyId}")],
  },
  hubspotWebhookRouting: {
    verify: [
      { kind: "digest", signature: "header.x-hubspot-signature", secrets: ["client_secret"], require: "always" },
    ],
    each: "body",
    skip: { "item.changeSource": "IMPORT" },
    type: "${item.subscriptionType}",
    connection: [config("portalId", "${item.portalId}")],
  },
  jiraWebhookRouting: {
    verify: [hmac("x-hub-signature", { prefix: "sha256=" })],
    type: "${body.webhookEvent}",
    connection: [
      {
        value: ["issue", "comment", "worklog", "issueLink", "project", "version", "sprint", "board", "user"].map(
          (name) => `\${body.${name}.self}`,
        ),
        as: "origin",
        in: "connection_config.baseUrl",
      },
    ],
  },
  jobberWebhookRouting: {
    verify: [hmac("x-jobber-hmac-sha256", { encoding: "base64", secrets: ["client_secret"], require: "always" })],
    type: "${body.topic}",
    connection: [config("accountId", "${body.data.webHookEvent.accountId}")],
  },
  jobdivaWebhookRouting: {
    verify: [hmac("x-hub-signature", { algorithm: "sha1", prefix: "sha1=" })],
    type: "${body.type} ${body.operation}",
  },
  linearWebhookRouting: {
    verify: [hmac("linear-signature", { require: "always" })],
    type: "${body.type}",
    connection: [config("organizationId", "${body.organizationId}")],
  },
  microsoftClientCredentialsWebhookRouting: {
    answers: [{ when: { "query.validationToken": true }, unsigned: true, text: "query.validationToken" }],
    verify: [{ kind: "token", signature: "body.value.*.clientState", secrets: ["webhook_secret"] }],
    each: "body.value",
    type: "${item.changeType}",
    connection: [config("tenantId", "${item.tenantId}")],
  },
  microsoftTeamsWebhookRouting: {
    type: "${body.type}",
    connection: [config("tenantId", "${body.channelData.tenant.id}")],
  },
  notionWebhookRouting: {
    verify: [hmac("x-notion-signature", { prefix: "sha256=" })],
    unsigned: { "body.verification_token": true },
    type: "${body.type}",
    connection: [config("workspace_id", "${body.workspace_id}")],
  },
  pagerdutyWebhookRouting: {
    verify: [hmac("x-pagerduty-signature", { parts: { signature: "v1" }, secrets: ["metadata.webhookSecret"] })],
    type: "${body.event.event_type}",
    connection: [connection("${header.x-nango-connection-id}")],
  },
  salesforceWebhookRouting: { type: "${body.nango.eventType}", connection: [connection("${body.nango.connectionId}")] },
  sellsyWebhookRouting: {
    verify: [
      { kind: "digest", algorithm: "sha1", signature: "header.x-webhook-signature", secrets: ["webhook_secret"] },
    ],
    type: [
      "${body.relatedtype}.${body.event}",
      "${body.relatedtype}.${body.eventType}.${body.event}",
      "${body.thirdtype}.${body.event}",
    ],
    connection: [config("corpid", "${body.corpid}")],
  },
  sentryOauthWebhookRouting: {
    verify: [hmac("sentry-hook-signature", { secrets: ["client_secret"], require: "present" })],
    type: "${body.action}",
    completes: {
      when: { "body.action": "created", "header.sentry-hook-resource": "installation" },
      connection: config("actor", "${body.actor.id}"),
      answer: { code: "body.data.installation.code" },
      save: { "installation.uuid": "body.data.installation.uuid" },
    },
    connection: [config("installation_id", "${body.installation.id}")],
  },
  shipstationWebhookRouting: {
    type: "${body.resource_type}",
    connection: [connection("${header.x-nango-connection-id}")],
  },
  shopifyWebhookRouting: {
    verify: [
      hmac("x-shopify-hmac-sha256", {
        encoding: "base64",
        secrets: ["client_secret", "webhook_secret"],
        require: "always",
      }),
    ],
    type: "${header.x-shopify-topic}",
    connection: [{ ...config("subdomain", "${header.x-shopify-shop-domain}"), as: "first-label" }],
  },
  slackWebhookRouting: {
    verify: [
      hmac("x-slack-signature", {
        prefix: "v0=",
        signed: "v0:${timestamp}:${body}",
        timestamp: "header.x-slack-request-timestamp",
      }),
    ],
    answers: [
      { when: { "body.type": "url_verification" }, text: "body.challenge" },
      { when: { "body.type": "view_submission" }, continue: true },
    ],
    form_field: "payload",
    type: ["${body.type}", "${body.event.type}"],
    connection: [config("team.id", ["${body.team_id}", "${body.team.id}"])],
  },
  streakWebhookRouting: { connection: [config("streakWebhookToken", "${header.x-streak-webhook-token}")] },
  unauthenticatedWebhookRouting: { type: "${body.type}", connection: [connection("${body.connectionId}")] },
  videoaskWebhookRouting: {
    verify: [{ kind: "token", signature: "header.nango-webhook-secret", secrets: ["webhook_secret"] }],
    type: "${body.type}",
    connection: [connection("${header.nango-connection-id}")],
  },
  xeroWebhookRouting: {
    verify: [hmac("x-xero-signature", { encoding: "base64", require: "always" })],
    each: "body.events",
    type: "${item.eventType}",
    connection: [config("tenant_id", "${item.tenantId}")],
  },
}
