# One image with every program of Papo. The command says which one runs: `docker run --rm papo servidor --help`.

FROM rust:1-bookworm AS build

RUN apt-get update \
    && apt-get install --yes --no-install-recommends libzmq3-dev pkg-config rsync \
    && rm -rf /var/lib/apt/lists/*

# Nobody debugs inside the image: no debug information and no symbols. (Panics name file and line all the same.)
# A panic ends a program anyway, so nothing is needed to unwind. Incremental: a change in the core, which everything depends on,
# takes seconds; the code was measured to be as fast. Few units, or the code would be a third larger.
ENV CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_PANIC=abort \
    CARGO_PROFILE_RELEASE_INCREMENTAL=true CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16

# What cargo built before stays in a cache mount, so that only what a change concerns is compiled. Cargo tells a change by the
# file's time, and that of a file in a build context says little: it may come from another branch, or a clone of another day.
# So the sources are compared by content with those of the last build, and only what differs gets a new time.
WORKDIR /build
RUN --mount=type=bind,target=/context \
    --mount=type=cache,id=papo-build,target=/build,sharing=locked \
    --mount=type=cache,id=papo-registry,target=/usr/local/cargo/registry,sharing=locked \
    rsync --recursive --checksum --delete --exclude=/target /context/ /build/ \
    && cargo build --release --locked --workspace --exclude papo-nemesis --exclude papo-simulator --bins \
    && mkdir /programs \
    && cd target/release \
    && cp broker cliente cliente_automatico drill papo proxy referencia servidor /programs/ \
    && strip /programs/*


FROM debian:bookworm-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends libzmq5 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/*

# A number, so that Kubernetes can see that it is not root. A new named volume takes over the owner of the directory that it is
# mounted on: that is why /data is here, and belongs to this user.
RUN install --directory --owner=10001 --group=10001 --mode=0750 /data
USER 10001:10001

COPY --from=build /programs/ /usr/local/bin/

LABEL org.opencontainers.image.title="papo" \
      org.opencontainers.image.description="A replicated chat that loses nothing it acknowledged" \
      org.opencontainers.image.licenses="MIT"

# The programs handle SIGTERM and leave no children behind, so they can be the container's first process: no init is needed.
CMD ["papo", "help"]
