/** The schema of `ImageRepository` of `appstudio.redhat.com` (spec 3.6): what its CRD says and the embedded control plane checks. */
import * as z from 'zod';
import { DateTime, reconcileStatusFields } from './fields.ts';
import { type Column, defineKind } from './kind.ts';
import { QUAY_IMAGE_REPOSITORY } from './quay-image-repository.ts';

const Visibility = z.enum(['public', 'private']);

const Notification = z.object({
  title: z.string().optional().describe('Names the notification within this object: use each title once.'),
  event: z.enum(['repo_push']).optional().describe('What is notified of: repo_push, a tag was pushed.'),
  method: z.enum(['email', 'webhook']).optional().describe('How it is delivered.'),
  config: z
    .object({
      email: z.string().optional().describe('Address to which method email delivers.'),
      url: z.string().optional().describe('Address to which method webhook delivers.'),
    })
    .optional()
    .describe('Where it is delivered.'),
});

const Spec = z
  .object({
    image: z
      .object({
        name: z
          .string()
          .regex(/^[a-z0-9][.a-z0-9_-]*(\/[a-z0-9][.a-z0-9_-]*)*$/)
          .optional()
          .describe(
            'Name of the repository in the registry, always below the namespace. Defaults to the name of this object, or to application/component. Cannot be changed later: a change is taken back.',
          ),
        visibility: Visibility.optional().describe(
          'Who may pull: public (default) everybody, private those with credentials. Can be changed at any time.',
        ),
      })
      .optional()
      .describe('The repository that is requested.'),
    credentials: z
      .object({
        'regenerate-token': z
          .boolean()
          .optional()
          .describe('true: new tokens for the robot accounts, once. The field is removed afterwards.'),
        'regenerate-namespace-pull-token': z
          .boolean()
          .optional()
          .describe('Not supported: there is no namespace pull secret. The field is removed with a message.'),
        'verify-linking': z
          .boolean()
          .optional()
          .describe(
            'true: checks and repairs, once, how service accounts name the push secret. The field is removed afterwards.',
          ),
      })
      .optional()
      .describe('Requests that are carried out once.'),
    notifications: z
      .array(Notification)
      .optional()
      .describe('Notifications that the repository shall have. Others that exist there are left alone.'),
  })
  .describe('What to provide.');

const Status = z
  .object({
    ...reconcileStatusFields,
    state: z
      .string()
      .optional()
      .describe('ready: can be used. Also waiting, failed, damaged, missing; empty while work is going on.'),
    message: z.string().optional().describe('The last problem. Removed by the next operation that succeeds.'),
    image: z
      .object({
        url: z.string().optional().describe('Where the images are: host/organization/name, without a tag.'),
        visibility: Visibility.optional().describe('What the registry has.'),
      })
      .optional()
      .describe('The repository that is provided.'),
    credentials: z
      .object({
        generationTimestamp: DateTime.optional().describe('When the present tokens were made.'),
        'push-robot-account': z
          .string()
          .optional()
          .describe('Robot account with write access, without the organization.'),
        'push-secret': z
          .string()
          .optional()
          .describe('Secret of type kubernetes.io/dockerconfigjson with its token.'),
        'push-remote-secret': z.string().optional().describe('RemoteSecret that manages the push secret.'),
        'pull-robot-account': z
          .string()
          .optional()
          .describe('Robot account with read access, for repositories of Components.'),
        'pull-secret': z
          .string()
          .optional()
          .describe('Secret of type kubernetes.io/dockerconfigjson with its token.'),
        'pull-remote-secret': z.string().optional().describe('RemoteSecret that manages the pull secret.'),
      })
      .optional()
      .describe('The credentials for the repository.'),
    notifications: z
      .array(
        z.object({
          title: z.string().optional().describe('Title, as in the spec.'),
          uuid: z.string().optional().describe('Name of the notification in the registry.'),
        }),
      )
      .optional()
      .describe('The notifications that were made.'),
  })
  .describe('What was provided.');

export type SpecInput = z.input<typeof Spec>;
export type StatusInput = z.input<typeof Status>;

const COLUMNS: Column[] = [
  { name: 'Image', type: 'string', jsonPath: '.status.image.url' },
  { name: 'Visibility', type: 'string', jsonPath: '.status.image.visibility' },
];

export const QUAY_IMAGE_REPOSITORY_KIND = defineKind({
  ...QUAY_IMAGE_REPOSITORY,
  singular: 'imagerepository',
  shortNames: [],
  categories: [],
  presentation: { v1alpha1: { columns: COLUMNS } },
  description:
    'ImageRepository provides a container image repository in Quay, with robot accounts and Secrets to use it.',
  spec: Spec.optional(),
  status: Status.optional(),
});
