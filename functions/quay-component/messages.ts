/** What the annotation `image.redhat.com/image` says when something went wrong (spec 13.3). */
export const MESSAGE = {
  planLimit: "Quay organization plan doesn't allow private image repositories",
  failed: 'failed to generate image repository',
  invalidStatus: 'Invalid image status annotation',
  invalidUrl: 'Invalid image url',
  missing: 'Image repository is missing',
} as const;
