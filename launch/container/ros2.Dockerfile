# syntax=docker/dockerfile:1
# The ROS 2 bridge on an official ROS image, with that image's Python, numpy and rclpy.
ARG ROS_DISTRO=jazzy
FROM ros:${ROS_DISTRO}-ros-base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Any version that this release of the distribution has.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv python3-numpy \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin daydreamer \
    && install -d -o 10001 -g 10001 -m 700 /runs
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip launch/container/install.sh ros2 /opt/daydreamer \
    && cp -r launch /launch && rm -rf /app/*
ENV PATH=/opt/daydreamer/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /runs
USER 10001:10001
ENTRYPOINT ["/launch/container/start.sh"]
CMD ["ros2"]
