"""A page of Django: the usual middleware that needs no database, routing, a template."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import engines
from django.urls import path

from benchmarks.application import ENTRIES, TEMPLATE

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a secret of a benchmark",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()
_template = engines["django"].from_string(TEMPLATE)


def entries(request):
    return HttpResponse(_template.render({"entries": ENTRIES}, request))


urlpatterns = [path("", entries)]
application = get_wsgi_application()
