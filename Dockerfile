# The command line and the workbench in a container, on a CPU:
#
#   docker build -t dnabert2-explore .
#   docker run --rm -v "$PWD:/work" dnabert2-explore predict pocket-splice sites.fa -o predicted.csv
#   docker run --rm -p 127.0.0.1:8888:8888 -e JUPYTER_TOKEN=choose-one dnabert2-explore \
#       app --no-browser --port 8888 -- --ServerApp.ip=0.0.0.0
#
# The last line opens the port to this machine alone; the token is asked for. No model is fetched:
# those of the package are in it, others are mounted as folders.
FROM python:3.11.14-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /source
COPY pyproject.toml setup.py constraints.txt README.md LICENSE ./
COPY dnabert2_explore dnabert2_explore
COPY notebooks notebooks
# torch without CUDA, which is gigabytes that no CPU uses.
RUN python -m venv /opt/dna \
    && /opt/dna/bin/pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
        -c constraints.txt ".[widgets,umap,training]" \
    && /opt/dna/bin/python -m compileall -q /opt/dna/lib

FROM python:3.11.14-slim-bookworm
COPY --from=build /opt/dna /opt/dna
RUN useradd --create-home --uid 1000 dna && mkdir /work && chown dna /work
ENV PATH=/opt/dna/bin:$PATH \
    DNABERT2_EXPLORE_CACHE=/tmp/dnabert2-cache \
    PYTHONDONTWRITEBYTECODE=1
USER 1000
WORKDIR /work
EXPOSE 8888
ENTRYPOINT ["dnabert2-explore"]
CMD ["--help"]
