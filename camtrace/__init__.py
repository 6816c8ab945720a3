"""CamTrace: the video-surveillance server that knows what the till said when the picture was taken."""

__version__ = "0.1.0"
