"""What the commands do, without a command line: scripts and `w4s.cli` call the same functions.

sitting     one sitting: runs a command's work, with who watches it and who may stop it
display     what is shown while it goes on, as a protocol
stopping    Ctrl-C in two steps
workbench   everything a search or a test works with, opened and closed together
planning    what a search is going to do
foreseeing  what a command will take, before it is given
searching   from a task to the best workflow found
testing     workflows on the sealed test, each once
measuring   workflows on the validation problems, the test set closed
drawing     the training problems that a collection plays on
collecting  episodes on training problems
learning    from episodes to examples, and from examples to a better meta-agent
using       a workflow that is put to use, and the settings it runs with
serving     a workflow behind an address
"""
