"""An editor's workspace: documents while they are being written, held, judged and looked up.

Speaks no protocol of editors and writes no file.
"""
