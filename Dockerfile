# Touchstone as an image: docker build -t touchstone . && docker run -p 8000:8000 -v touchstone:/data touchstone
# BASE may be any image with python3 (3.11 or newer) and its venv module.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /build
COPY requirements.lock requirements-build.lock pyproject.toml README.md LICENSE ./
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-build.lock \
    && python3 -m venv /opt/touchstone \
    && /opt/touchstone/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY wire wire
COPY proofs proofs
COPY storage storage
COPY operators operators
COPY resolver resolver
COPY registry registry
COPY statuslist statuslist
COPY server server
COPY data data
RUN /opt/build/bin/python -m hatchling build -t wheel -d /dist \
    && /opt/touchstone/bin/pip install --no-cache-dir --no-deps /dist/*.whl \
    && /opt/touchstone/bin/pip uninstall -y pip \
    && rm -rf /opt/touchstone/lib/python3*/site-packages/pip* /opt/touchstone/bin/pip* /opt/touchstone/lib/python3*/site-packages/setuptools*

FROM ${BASE}
LABEL org.opencontainers.image.title="Touchstone" \
      org.opencontainers.image.description="Which keys has this DID, may this issuer issue that, does this credential still hold?" \
      org.opencontainers.image.licenses="Apache-2.0"
# The base's own pip is no part of the product.
RUN python3 -c "import shutil, sysconfig, glob; [shutil.rmtree(p, ignore_errors=True) for p in glob.glob(sysconfig.get_path('purelib') + '/pip*')]" \
    && mkdir /data && chown 10001:10001 /data
COPY --from=build /opt/touchstone /opt/touchstone
ENV PATH=/opt/touchstone/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TOUCHSTONE_DATABASE_URL=sqlite:////data/touchstone.db \
    TOUCHSTONE_KEY_DIR=/data/keys
# An https TOUCHSTONE_PUBLIC_URL lets TOUCHSTONE_BIND=0.0.0.0:8000 be set; without one the server stays on loopback.
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["touchstone"]
CMD ["serve"]
