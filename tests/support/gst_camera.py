"""A network camera for the tests: gst-rtsp-server plays a clip. Run by the system's Python, which has GStreamer.

Prints `ready PORT` once it listens. Options: see `parse`. Signals do the rest: STOP plays silent, KILL plays cut.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PAYLOADERS = {
    "h264": "h264parse config-interval={interval} ! rtph264pay name=pay0 pt=96 config-interval={interval}",
    "h265": "h265parse config-interval={interval} ! rtph265pay name=pay0 pt=96 config-interval={interval}",
    "mpeg4": "mpeg4videoparse config-interval={interval} ! rtpmp4vpay name=pay0 pt=96",
    "mjpeg": "jpegparse ! rtpjpegpay name=pay0 pt=26",
}
AUDIO = {
    "aac": "voaacenc bitrate=48000 ! aacparse ! rtpmp4gpay name=pay1 pt=97",
    "pcmu": "audioconvert ! audioresample ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1",
    "pcma": "audioconvert ! audioresample ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1",
    "opus": "audioconvert ! audioresample ! opusenc ! rtpopuspay name=pay1 pt=98",
}


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", help="an MP4, Matroska or raw MJPEG file; `test` for a generated picture")
    parser.add_argument("--codec", default="h264", choices=sorted(PAYLOADERS))
    parser.add_argument("--audio", default="", choices=["", *sorted(AUDIO)])
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", default="0")
    parser.add_argument("--path", default="/stream")
    parser.add_argument("--auth", default="", choices=["", "basic", "digest"])
    parser.add_argument("--user", default="viewer")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--transport", default="both", choices=["both", "tcp", "udp"])
    parser.add_argument("--rate", type=int, default=10, help="generated pictures a second, the first a key frame")
    parser.add_argument("--interval", default="0", help="seconds between parameter sets in band; -1: each key frame")
    return parser.parse_args()


def pipeline(options):
    """The launch line of one media: the clip paced by its own time stamps, sound generated beside it."""
    pay = PAYLOADERS[options.codec].format(interval=options.interval)
    if options.clip == "test":
        rate = options.rate
        video = f"videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate={rate}/1 ! "
        encoders = {
            "h264": f"x264enc tune=zerolatency key-int-max={rate} bitrate=200 speed-preset=ultrafast ! ",
            "h265": f"x265enc tune=zerolatency key-int-max={rate} bitrate=200 speed-preset=ultrafast ! ",
            "mpeg4": f"avenc_mpeg4 gop-size={rate} bitrate=400000 ! ",
            "mjpeg": "jpegenc ! ",
        }
        video += encoders[options.codec]
    else:
        demux = "matroskademux" if options.clip.endswith(".mkv") else "qtdemux"
        video = f'filesrc location="{options.clip}" ! {demux} ! queue max-size-time=0 max-size-buffers=0 ! '
    sound = ""
    if options.audio:
        sound = (
            f" audiotestsrc is-live=true samplesperbuffer=400 ! audioconvert ! audioresample ! {AUDIO[options.audio]}"
        )
    return f"( {video}{pay}{sound} )"


def protect(server, factory, options):
    """Ask for a login, the way `--auth` says."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if options.auth == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options.user, options.password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


def main():
    options = parse()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(options.address)
    server.set_service(options.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(options))
    factory.set_shared(False)
    protocols = {
        "both": GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP,
        "tcp": GstRtsp.RTSPLowerTrans.TCP,
        "udp": GstRtsp.RTSPLowerTrans.UDP,
    }
    factory.set_protocols(protocols[options.transport])
    if options.auth:
        protect(server, factory, options)
    server.get_mount_points().add_factory(options.path, factory)
    loop = GLib.MainLoop()
    if server.attach(None) == 0:
        sys.exit("cannot listen")
    GLib.timeout_add_seconds(2, lambda: bool(server.get_session_pool().cleanup()) or True)
    print("ready", server.get_bound_port(), flush=True)
    GLib.io_add_watch(sys.stdin, GLib.IO_HUP, lambda *_: loop.quit())
    loop.run()


main()
