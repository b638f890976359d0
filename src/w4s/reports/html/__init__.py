"""A full report as one HTML file that needs nothing else.

page        from Stories to the text of the file
chart       where the dots of the accuracy chart stand
tree        where the boxes of the lineage stand
text        text of models and programs, made safe to show and pleasant to read
templates   the page, its style and its script
"""
