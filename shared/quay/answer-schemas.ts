/** The bodies of Quay's answers (spec appendix A): only what we use, everything else is ignored. */
import * as z from 'zod/mini';

/** The texts of the three shapes of errors, in the order in which they are preferred (A.2). */
export const ErrorBody = z.object({
  message: z.nullish(z.string()),
  error_message: z.nullish(z.string()),
  error: z.nullish(z.string()),
  detail: z.nullish(z.string()),
  is_readonly: z.nullish(z.boolean()),
});

export const CreatedRepository = z.object({ name: z.string() });

export const Repository = z.object({ is_public: z.boolean() });

/** `null` is Quay's way to say that there is no such repository (A.3.3). */
export const VisibilityChange = z.nullable(z.object({ success: z.boolean() }));

export const Robot = z.object({
  name: z.string().check(z.minLength(1)),
  token: z.string().check(z.minLength(1)),
  description: z.nullish(z.string()),
});

/** What a robot may do, in the whole organization. */
export const RobotRights = z.object({
  permissions: z.array(z.object({ repository: z.object({ name: z.string() }) })),
});

export const Role = z.object({ role: z.string() });

export const Notification = z.object({
  uuid: z.string().check(z.minLength(1)),
  title: z.nullish(z.string()),
  event: z.string(),
  method: z.string(),
  config: z.nullish(z.object({ url: z.nullish(z.string()), email: z.nullish(z.string()) })),
  number_of_failures: z.nullish(z.number()),
});

export const NotificationList = z.object({ notifications: z.array(Notification) });

export const RepositoryPage = z.object({
  repositories: z.array(z.object({ name: z.string() })),
  next_page: z.nullish(z.string()),
});

export const TagPage = z.object({
  tags: z.array(z.object({ name: z.string(), manifest_digest: z.string() })),
  has_additional: z.nullish(z.boolean()),
});
