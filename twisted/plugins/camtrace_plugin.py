"""Makes `twistd camtrace` known to twistd."""

from twisted.application.service import ServiceMaker

camtrace = ServiceMaker("CamTrace", "camtrace.tap", "Video surveillance that knows what the till said.", "camtrace")
