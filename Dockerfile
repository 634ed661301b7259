# The relay: one bundle on Node, no shell, no package manager, not root.
#   docker build -t REGISTRY/longshore-relay:0.1.0 .          (docs/install.md; --platform for another architecture)
FROM --platform=$BUILDPLATFORM node:24-slim AS build
WORKDIR /longshore
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node infra/bundle/relay.ts

FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=build /longshore/dist/relay /relay
WORKDIR /relay
USER 65532:65532
# Metrics, artifacts, probes.
EXPOSE 8080 9090 9440
ENTRYPOINT ["/nodejs/bin/node", "/relay/relay.mjs"]
