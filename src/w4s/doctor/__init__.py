"""Is this machine ready, and what is missing? Looks, measures, and changes nothing.

finding     what one look came to, and the command that mends it
machine     Python, disk, memory, processors
walls       the sandbox, proven by its canaries and one program
endpoints   the models named: key, model, features, context, speed
supplies    benchmark data, optional packages, GPU
visit       all of them, one after another
"""
