# coconet-edge on a desktop GPU, with the TensorRT of NVIDIA's image. Written after its documentation; not built yet.
FROM nvcr.io/nvidia/tensorrt:25.10-py3

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
        python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 \
        gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly \
    && rm -rf /var/lib/apt/lists/*

# TensorRT and GStreamer are the image's, the rest is the environment's own.
RUN python3 -m venv --system-site-packages /opt/coconet
ENV PATH=/opt/coconet/bin:$PATH
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
COPY . /src
RUN pip install --no-cache-dir '/src[cpu,headless,calibration,web]'

RUN useradd --create-home --groups video coconet && install -d -o coconet /data
USER coconet
WORKDIR /data
# Engines that a run makes by itself outlive the container, in the folder that is lent to it.
ENV COCONET_CACHE=/data/.coconet
ENTRYPOINT ["coconet"]
CMD ["doctor"]
