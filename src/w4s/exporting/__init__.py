"""A found workflow as one Python file that needs only the `openai` package.

file        what is pinned, and the text of the file
bundle      the package's own code, as much of it as the file needs, in one namespace
standalone  what users of the file call: solve(), and a command line
pinned      its model
processes   its sandbox, which has limits and no walls
"""
