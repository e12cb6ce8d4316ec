# The program in a container, from a clean clone: `docker build .` for the CPU, `--build-arg LIBTORCH=cuda` for NVIDIA GPUs,
# whose driver the host brings.
ARG LIBTORCH=cpu

FROM rust:1.95-bookworm AS build
ARG LIBTORCH
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-pip python3-venv g++ git \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /densenet-bench
COPY . .
RUN if [ "$LIBTORCH" = cuda ]; then scripts/setup --cuda; else scripts/setup --cpu; fi \
    && cargo build --release --locked \
    && strip target/release/densenet-bench

FROM debian:bookworm-slim
# The program finds libtorch where it was built against it.
COPY --from=build /densenet-bench/.libtorch /densenet-bench/.libtorch
COPY --from=build /densenet-bench/target/release/densenet-bench /usr/local/bin/densenet-bench
COPY --from=build /densenet-bench/LICENSE-MIT /densenet-bench/LICENSE-APACHE /usr/share/doc/densenet-bench/
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libgomp1 libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && densenet-bench doctor
WORKDIR /work
ENTRYPOINT ["densenet-bench"]
