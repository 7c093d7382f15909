# coconet-edge on JetPack 6.2 (L4T 36.4); for another JetPack take its image. Written after NVIDIA's documentation of the
# image; not built yet. docs/jetson.md has the line that runs it, with cameras.
FROM nvcr.io/nvidia/l4t-jetpack:r36.4.0

# TensorRT for Python, GStreamer with its binding and the encoders and decoders that run on the processor. The elements
# for CSI cameras and for the hardware's encoders are lent by NVIDIA's runtime.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv python3-libnvinfer v4l-utils \
        python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 \
        gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly \
    && rm -rf /var/lib/apt/lists/*

# TensorRT and GStreamer are the system's, the rest is the environment's own.
RUN python3 -m venv --system-site-packages /opt/coconet
ENV PATH=/opt/coconet/bin:$PATH
ENV NVIDIA_DRIVER_CAPABILITIES=all
COPY . /src
RUN pip install --no-cache-dir '/src[cpu,headless,calibration,web]'

RUN useradd --create-home --groups video coconet && install -d -o coconet /data
USER coconet
WORKDIR /data
# Engines that a run makes by itself outlive the container, in the folder that is lent to it.
ENV COCONET_CACHE=/data/.coconet
ENTRYPOINT ["coconet"]
CMD ["doctor"]
