# The image of every Airflow component and of the sandbox; docker-compose.yaml builds it.
# Not Airflow's own image: that one fixes its own versions, and requirements.txt has to decide ours, with hashes.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /opt/steadycast
# bytecode is compiled once, here, and not at each start of a container
ENV STEADYCAST_VENV=/opt/venv PIP_DISABLE_PIP_VERSION_CHECK=1 UV_COMPILE_BYTECODE=1
COPY requirements.txt pyproject.toml requirements.in ./
COPY scripts/bootstrap.py scripts/bootstrap.py
COPY include include
# the same installer and the same requirements.txt, with --require-hashes, as `make run` and .ci/run
RUN --mount=type=cache,target=/root/.cache python scripts/bootstrap.py

FROM python:3.11.14-slim-bookworm
# libgomp1: LightGBM's threads
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --gid 0 --create-home airflow \
    && install -d -o airflow -g 0 -m 775 /opt/airflow /opt/airflow/logs /var/lib/steadycast-watchdog
COPY --from=build /opt/venv /opt/venv
WORKDIR /opt/steadycast
COPY include include
COPY plugins plugins
COPY dags dags
COPY watchdog watchdog
ARG STEADYCAST_GIT_COMMIT=unknown
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/steadycast/include:/opt/steadycast/plugins \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/steadycast/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/steadycast/plugins \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/opt/airflow/logs \
    MPLBACKEND=agg \
    GX_ANALYTICS_ENABLED=false \
    STEADYCAST_GIT_COMMIT=$STEADYCAST_GIT_COMMIT
USER 50000:0
ENTRYPOINT ["airflow"]
