import hashlib

from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from django.views.decorators.csrf import csrf_exempt

from notes.models import Note


def notes(request):
    if request.method == "POST":
        Note.objects.create(text=request.POST["text"])
        return redirect("notes")
    shown = format_html_join("", "<li>{}</li>", ((note.text,) for note in Note.objects.all()))
    form = (
        '<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<input name="text"><button>add</button></form><ul>{}</ul>'
    )
    return HttpResponse(format_html(form, get_token(request), shown))


def visits(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


@csrf_exempt
def upload(request):
    digest, size = hashlib.sha256(), 0
    for chunk in request.FILES["file"].chunks():
        digest.update(chunk)
        size += len(chunk)
    return JsonResponse({"size": size, "sha256": digest.hexdigest()})
