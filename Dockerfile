# codetune in a container: what README.md asks of a machine, and its two commands as an ordinary user.
#   docker build -t codetune .
#   docker run --rm -it codetune                  # make repro
#   docker run --rm -it codetune make test
#   docker run --rm -it --network host codetune make app
FROM debian:trixie-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        bubblewrap ca-certificates chromium git make procps python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --shell /bin/bash codetune
USER codetune
RUN mkdir /home/codetune/codetune
WORKDIR /home/codetune/codetune

# The packages first: a change of the code does not fetch them again.
COPY --chown=codetune Makefile pyproject.toml README.md LICENSE requirements.lock requirements-cpu.lock requirements-cuda.lock ./
COPY --chown=codetune scripts scripts
COPY --chown=codetune codetune/__init__.py codetune/__init__.py
RUN make install && rm -rf ~/.cache/uv

COPY --chown=codetune . .
RUN touch pyproject.toml && make install
CMD ["make", "repro"]
