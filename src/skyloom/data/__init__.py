"""Files and folders of clips."""
