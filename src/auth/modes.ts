import type { AuthMode } from "../providers/model.ts"
import type { Mode } from "./mode.ts"
import { apiKey } from "./modes/api-key.ts"
import { app } from "./modes/app.ts"
import { awsSigV4 } from "./modes/aws-sigv4.ts"
import { basic } from "./modes/basic.ts"
import { bill } from "./modes/bill.ts"
import { custom } from "./modes/custom.ts"
import { installPlugin } from "./modes/install-plugin.ts"
import { jwt } from "./modes/jwt.ts"
import { mcpOAuth2Generic } from "./modes/mcp-oauth2-generic.ts"
import { mcpOAuth2 } from "./modes/mcp-oauth2.ts"
import { none } from "./modes/none.ts"
import { oauth1 } from "./modes/oauth1.ts"
import { oauth2Cc } from "./modes/oauth2-cc.ts"
import { oauth2 } from "./modes/oauth2.ts"
import { signature } from "./modes/signature.ts"
import { tba } from "./modes/tba.ts"
import { twoStep } from "./modes/two-step.ts"

/** Every auth mode. What each line promises is in `mode.ts`. */
export const modes: Record<AuthMode, Mode> = {
  OAUTH2: oauth2,
  API_KEY: apiKey,
  OAUTH2_CC: oauth2Cc,
  BASIC: basic,
  TWO_STEP: twoStep,
  MCP_OAUTH2: mcpOAuth2,
  MCP_OAUTH2_GENERIC: mcpOAuth2Generic,
  JWT: jwt,
  OAUTH1: oauth1,
  BILL: bill,
  NONE: none,
  APP: app,
  CUSTOM: custom,
  TBA: tba,
  SIGNATURE: signature,
  AWS_SIGV4: awsSigV4,
  INSTALL_PLUGIN: installPlugin,
}
