/** The example of the public documents, as it stands there; only the left-out body of the schema is filled in. */
const exampleBody = `
const githubIssueDemoSchema = z.object({ id: z.string(), title: z.string(), url: z.string() });
type GithubIssueDemo = z.infer<typeof githubIssueDemoSchema>;

export default createSync({
  description: \`Fetches the Github issues from all a user's repositories.\`,
  version: '1.0.0',
  frequency: 'every hour',
  autoStart: true,
  metadata: z.void(),
  models: {
    GithubIssueDemo: githubIssueDemoSchema
  },

  exec: async (nango) => {
    // Mark the start of deletion tracking
    await nango.trackDeletesStart('GithubIssueDemo');

    // Fetch issues from GitHub.
    const res = await nango.get({
        endpoint: '/repos/NangoHQ/interactive-demo/issues?labels=demo&sort=created&direction=asc'
    });

    // Map issues to your preferred schema.
    const issues: GithubIssueDemo[] = res.data.map(({ id, title, html_url }: any) => {
        return { id, title, url: html_url };
    });

    // Persist issues to the Nango cache.
    await nango.batchSave(issues, 'GithubIssueDemo');

    // Detect and mark deleted records
    await nango.trackDeletesEnd('GithubIssueDemo');
  },
});
`

export const seedSync = `import { createSync } from 'nango';
import * as z from 'zod';
${exampleBody}`

/** The documents import nothing but \`nango\`. */
export const withGlobalZod = `import { createSync } from 'nango';
${exampleBody}`

export const seedLegacy = `import type { GithubIssueDemo, NangoSync } from './models';

export default async function fetchData(nango: NangoSync) {
    // Fetch issues from GitHub.
    const res = await nango.get({
        endpoint: '/repos/NangoHQ/interactive-demo/issues?labels=demo&sort=created&direction=asc'
    });

    // Map issues to your preferred schema.
    const issues: GithubIssueDemo[] = res.data.map(({ id, title, html_url }: any) => {
        return { id, title, url: html_url };
    });

    // Persist issues to the Nango cache.
    await nango.batchSave(issues, 'GithubIssueDemo');
}
`

/** The same, over all pages. */
export const paginating = (path: string): string => `import { createSync } from 'nango';
import * as z from 'zod';

const githubIssueDemoSchema = z.object({ id: z.string(), title: z.string(), url: z.string() });

export default createSync({
  description: 'Fetches all issues of a repository.',
  version: '1.0.0',
  frequency: 'every hour',
  autoStart: false,
  models: { GithubIssueDemo: githubIssueDemoSchema },
  exec: async (nango) => {
    for await (const page of nango.paginate({
      endpoint: '${path}',
      paginate: { type: 'link', limit: 3, limit_name_in_request: 'per_page', link_rel_in_response_header: 'next' },
    })) {
      await nango.batchSave(page.map(({ id, title, html_url }: any) => ({ id, title, url: html_url })), 'GithubIssueDemo');
    }
  },
});
`
