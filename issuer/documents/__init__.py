"""Files of people and papers for them: strangers' files looked at safely, photos judged, certificates drawn."""
