# syntax=docker/dockerfile:1

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src

# The stand-in that go.mod points to is part of resolving the modules.
COPY go.mod go.sum ./
COPY third_party third_party
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /image/ostiary ./cmd/server

# The files that a static binary needs: trusted CAs, time zones, writable directories. Everything
# else is read-only, the binary included.
RUN mkdir -p /image/etc/ssl/certs /writable/data /writable/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /image/etc/ \
 && chmod 700 /writable/data

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="Ostiary" \
      org.opencontainers.image.description="OAuth 2.0 authorization server and OpenID Connect provider" \
      org.opencontainers.image.source="https://github.com/ostiary/ostiary" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"

COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /writable/ /
ENV ZONEINFO=/etc/zoneinfo.zip
USER 65532:65532
# For OSTIARY_DATABASE_URL=sqlite:/data/ostiary.db. It is not the default: a replica that lost its
# configuration must not start with an empty database.
VOLUME /data
EXPOSE 4444
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/ostiary", "healthcheck"]
ENTRYPOINT ["/ostiary"]
CMD ["serve"]
