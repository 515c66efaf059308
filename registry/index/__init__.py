"""The registry as this node looks things up in it: a file made of the events, at any time anew."""
