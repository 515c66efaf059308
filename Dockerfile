# Touchstone as an image. It starts only with an https TOUCHSTONE_PUBLIC_URL: see docs/operations.md.
#
#   docker build -t touchstone .
#   docker run --rm -v touchstone:/data -e TOUCHSTONE_PUBLIC_URL=https://... touchstone init
#   docker run --read-only -v touchstone:/data -e TOUCHSTONE_PUBLIC_URL=https://... -p 8000:8000 touchstone
#
# BASE is any Debian-like image with python3, 3.11 or newer, the same for both stages: the virtual environment
# that the first one makes refers to the interpreter of the second one by its path.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /build
# venv.sh installs Debian's python3-venv where the base leaves it out; it stays in this stage.
COPY tools/venv.sh tools/
RUN sh tools/venv.sh python3 /opt/build && sh tools/venv.sh python3 /opt/touchstone
# The dependencies before the code, so that a change of code does not fetch them anew.
COPY requirements.lock requirements-build.lock ./
RUN /opt/build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-build.lock \
    && /opt/touchstone/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY wire wire
COPY proofs proofs
COPY storage storage
COPY operators operators
COPY resolver resolver
COPY credentials credentials
COPY registry registry
COPY statuslist statuslist
COPY verification verification
COPY observatory observatory
COPY server server
COPY data data
# pip takes itself away last: nothing can be installed into the image that runs.
RUN /opt/build/bin/python -m hatchling build -t wheel -d /dist \
    && /opt/touchstone/bin/pip install --no-cache-dir --no-deps --no-index /dist/*.whl \
    && /opt/touchstone/bin/pip uninstall --yes setuptools pip

FROM ${BASE}
LABEL org.opencontainers.image.title="Touchstone" \
      org.opencontainers.image.description="Which keys has this DID, may this issuer issue that, is this credential still valid?" \
      org.opencontainers.image.version="0.3.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# The base's own pip goes too, and ensurepip, which would bring it back. /data is for uid 10001 alone.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip \
    && install -d -m 0700 -o 10001 -g 10001 /data
COPY --from=build /opt/touchstone /opt/touchstone
# The working directory can be written: SQLite puts its temporary files there where /tmp is read-only.
WORKDIR /data
ENV PATH=/opt/touchstone/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TOUCHSTONE_BIND=0.0.0.0:8000 \
    TOUCHSTONE_DATABASE_URL=sqlite:////data/touchstone.db \
    TOUCHSTONE_KEY_DIR=/data/keys
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Without the environment's proxies, which would be asked for our own loopback.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python3", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["touchstone"]
CMD ["serve"]
