"""Small true models of the services that the product talks to.

Each is a plain state machine with botocore's method names, keyword arguments, answers and errors,
as far as the product uses them. A model knows what belongs to its service (at-least-once delivery,
lagging indexes, batches of which a part is refused) and asks `Chooses` whether that happens here;
crashes, throttling and answers that are lost happen around it, to whoever calls.
"""
