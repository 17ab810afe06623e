FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY static static
COPY data/*.json data/*.txt data/
RUN cargo build --release --locked && mkdir /empty

# No shell, no package manager, not root: the C library and this one binary.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/pasar /usr/local/bin/pasar
COPY --from=build --chown=nonroot:nonroot /empty /data
WORKDIR /data
VOLUME /data
# Nobody has to log in, so publish the ports on loopback only: -p 127.0.0.1:5000-5002:5000-5002
ENV USER_ADDR=0.0.0.0:5000 \
    PRODUCT_ADDR=0.0.0.0:5001 \
    ORDER_ADDR=0.0.0.0:5002 \
    OPEN_TO_NETWORK=yes \
    DATABASE_URL=sqlite:/data/pasar.db
EXPOSE 5000 5001 5002
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s CMD ["pasar", "health"]
ENTRYPOINT ["pasar"]
