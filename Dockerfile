# hdrplan with the versions that were tested together, and a browser for --pdf:
#   docker build -t hdrplan .
#   docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" hdrplan plan case -o my-plan
FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE /build/
COPY src /build/src
COPY phantoms /build/phantoms
COPY samples /build/samples
RUN pip install --no-cache-dir -c /build/constraints.txt /build && rm -rf /build
# Whoever runs it may write there: compiled kernels, the browser's and matplotlib's profiles.
ENV NUMBA_CACHE_DIR=/tmp/hdrplan-kernels MPLCONFIGDIR=/tmp/matplotlib HOME=/tmp
WORKDIR /work
ENTRYPOINT ["hdrplan"]
CMD ["--help"]
