/** Where the token is: the one Secret that the founding document names (spec 2.1). */
export const QUAY_TOKEN_SECRET = { namespace: 'image-controller-system', name: 'quaytoken' };
